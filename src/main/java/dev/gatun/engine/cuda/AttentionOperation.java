package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.engine.KvPrecision;

/**
 * Grouped-query attention over a cache: {@code attention.cu} for few tokens and for a float32 cache,
 * {@code prefill_attention.cu} on tensor cores for a chunk of a prompt.
 */
final class AttentionOperation {
    /** Most pieces that a context is cut into. */
    private static final int MOST_PIECES = 128;

    private static final int PIECE = 64;
    private static final int PREFILL_BLOCK = 256;
    private static final int PREFILL_ROWS = 128;

    private final CudaStream stream;
    private final HeadShape shape;
    private final int queries;
    private final KernelArguments attendHalf;
    private final KernelArguments attendFloat;
    private final KernelArguments prefill;
    private final DeviceMemory sums;
    private final DeviceMemory largestAndWeight;
    private final DeviceMemory counters;

    AttentionOperation(KernelLibrary kernels, CudaStream stream, DeviceArena arena, HeadShape shape) {
        this.stream = stream;
        this.shape = shape;
        this.queries = queriesOfBlock(shape.group());
        String variant = "l" + lanes(shape.headSize()) + "_g" + queries;
        this.attendHalf = kernels.find("attention", "gatun_attend_" + variant);
        this.attendFloat = kernels.find("attention", "gatun_attend_f32_" + variant);
        this.prefill = kernels.find("prefill_attention", "gatun_prefill_attend_d" + prefillSize(shape.headSize()));
        long pieces = (long) TokenVariants.MOST * shape.heads() * MOST_PIECES;
        this.sums = arena.allocate(pieces * shape.headSize() * Float.BYTES);
        this.largestAndWeight = arena.allocate(pieces * 2 * Float.BYTES);
        this.counters = arena.allocate((long) TokenVariants.MOST * blocksOfToken() * Integer.BYTES);
        counters.zero(stream);
    }

    private static int queriesOfBlock(int group) {
        return group == 1 ? 1 : group <= 4 ? 4 : 8;
    }

    private static int lanes(int headSize) {
        return Math.max(4, nextPowerOfTwo(headSize / 8));
    }

    private static int prefillSize(int headSize) {
        return Math.max(64, nextPowerOfTwo(headSize));
    }

    private static int nextPowerOfTwo(int value) {
        return Integer.highestOneBit(2 * value - 1);
    }

    private int blocksOfToken() {
        return shape.kvHeads() * Math.ceilDiv(shape.group(), queries);
    }

    /** y[t] = attention of q[t] over the positions up to its own, which the cache holds already. */
    void attend(DeviceFloats q, LayerCache cache, DeviceFloats y) {
        boolean few = q.rows() <= TokenVariants.MOST;
        if (few || cache.precision() == KvPrecision.F32) {
            attendPieces(q, cache, few ? MOST_PIECES : 1, y);
        } else {
            prefill(q, cache, y);
        }
    }

    private void attendPieces(DeviceFloats q, LayerCache cache, int mostPieces, DeviceFloats y) {
        KernelArguments attend = cache.precision() == KvPrecision.F32 ? attendFloat : attendHalf;
        setCommon(attend, q, cache)
                .set(8, shape.window())
                .set(9, mostPieces)
                .set(10, sums)
                .set(11, largestAndWeight)
                .set(12, counters)
                .set(13, y.memory());
        int pieces = Math.min(mostPieces, Math.ceilDiv(cache.position() + q.rows(), PIECE));
        int threads = queries == 8 ? 128 : 256;
        LaunchShape grid = LaunchShape.of(1, threads).grid(pieces, blocksOfToken(), q.rows());
        attend.kernel().launch(grid, attend, stream);
    }

    private void prefill(DeviceFloats q, LayerCache cache, DeviceFloats y) {
        setCommon(prefill, q, cache).set(8, q.rows()).set(9, shape.window()).set(10, y.memory());
        int tiles = Math.ceilDiv(q.rows() * shape.group(), PREFILL_ROWS);
        LaunchShape grid = LaunchShape.of(1, PREFILL_BLOCK).grid(shape.kvHeads(), tiles, 1);
        prefill.kernel().launch(grid, prefill, stream);
    }

    private KernelArguments setCommon(KernelArguments arguments, DeviceFloats q, LayerCache cache) {
        return arguments
                .set(0, q.memory())
                .set(1, cache.keys())
                .set(2, cache.values())
                .set(3, (long) cache.capacity())
                .set(4, shape.heads())
                .set(5, shape.kvHeads())
                .set(6, shape.headSize())
                .set(7, cache.devicePosition());
    }
}
