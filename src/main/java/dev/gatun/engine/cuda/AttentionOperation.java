package dev.gatun.engine.cuda;

import dev.gatun.engine.KvPrecision;

/** Grouped-query attention over a cache of either precision, for any number of tokens. */
final class AttentionOperation {
    /** What computes a chunk. */
    enum Kernel {
        /** For few tokens, over pieces of the context. */
        FEW,
        /** The same in one piece, for any number. */
        UNCUT,
        /** Rounds to binary16 what it multiplies. */
        TENSOR_CORES
    }

    /** Where more is seen, the tensor cores gain more than exactness is worth. */
    private static final int MOST_SEEN_UNROUNDED = 4096;

    private final DecodeAttention few;
    private final PrefillAttention many;
    private final int mostShared;

    /**
     * Loads the kernels.
     *
     * @param mostShared the most tokens of a chunk whose experts the host may compute some of, if it computes any
     * @param memory for sums, which nobody reads afterwards
     */
    AttentionOperation(CudaResources resources, HeadShape shape, int mostShared, OverlaidMemory memory) {
        this.mostShared = mostShared;
        few = new DecodeAttention(resources, shape, memory.branch());
        many = new PrefillAttention(resources, shape, memory.branch());
    }

    /** y[t] = attention of q[t] over the positions up to its own, which the cache holds already. */
    void attend(DeviceFloats q, LayerCache cache, DeviceFloats y) {
        switch (choose(cache.precision(), cache.position(), q.rows(), mostShared)) {
            case FEW -> few.attend(q, cache, y);
            case UNCUT -> few.attendUncut(q, cache, y);
            case TENSOR_CORES -> many.attend(q, cache, y);
        }
    }

    /**
     * Rounding for the tensor cores would magnify what the two roads of a shared chunk differ by. Chunks that are as short, but
     * not shared, are computed in the same way, though it is slower: wherever experts lie, the bits are the same.
     */
    static Kernel choose(KvPrecision precision, int position, int tokens, int mostShared) {
        if (tokens <= TokenVariants.MOST) {
            return Kernel.FEW;
        }
        boolean isShort = tokens <= mostShared && position + tokens <= MOST_SEEN_UNROUNDED;
        return precision == KvPrecision.F32 || isShort ? Kernel.UNCUT : Kernel.TENSOR_CORES;
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
