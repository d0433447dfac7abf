package dev.gatun.engine.cuda;

import dev.gatun.engine.KvPrecision;

/** Grouped-query attention over a cache of either precision, for any number of tokens. */
final class AttentionOperation {
    /**
     * Chunks of more tokens are never shared with the host ({@link OffloadedExperts#mostAwaited}, of 8 experts), so only in those
     * up to here would rounding for the tensor cores magnify what the roads differ by.
     */
    private static final int MOST_UNROUNDED = 40;

    /** Where more is seen, the tensor cores gain more than that is worth. */
    private static final int MOST_SEEN_UNROUNDED = 4096;

    private final DecodeAttention few;
    private final PrefillAttention many;

    /** @param memory for sums, which nobody reads afterwards */
    AttentionOperation(CudaResources resources, HeadShape shape, OverlaidMemory memory) {
        few = new DecodeAttention(resources, shape, memory.branch());
        many = new PrefillAttention(resources, shape, memory.branch());
    }

    /** y[t] = attention of q[t] over the positions up to its own, which the cache holds already. */
    void attend(DeviceFloats q, LayerCache cache, DeviceFloats y) {
        if (q.rows() <= TokenVariants.MOST) {
            few.attend(q, cache, y);
        } else if (cache.precision() == KvPrecision.F32 || isShort(cache.position(), q.rows())) {
            few.attendUncut(q, cache, y);
        } else {
            many.attend(q, cache, y);
        }
    }

    private static boolean isShort(int position, int tokens) {
        return tokens <= MOST_UNROUNDED && position + tokens <= MOST_SEEN_UNROUNDED;
    }

    /** Into how many pieces the context of a token at {@code position} is cut: what its launch depends on. */
    int pieces(int position) {
        return few.pieces(position, 1);
    }

    /** The least power of two that is at least {@code value}. */
    static int powerOfTwo(int value) {
        return Integer.highestOneBit(2 * value - 1);
    }
}
