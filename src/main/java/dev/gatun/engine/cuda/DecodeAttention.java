package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.engine.KvPrecision;

/** {@code attention.cu}: each context is cut among blocks, the last of which joins their sums; in fp32. */
final class DecodeAttention {
    private static final int PIECE = 64;

    /** Enough blocks for a device, whatever the heads are. */
    private static final int BLOCKS = 256;

    private static final int FEWEST_PIECES = 16;
    private static final int MOST_PIECES = 64;

    private final CudaStream stream;
    private final HeadShape shape;
    private final int queries;
    private final int mostPieces;
    private final KernelArguments half;
    private final KernelArguments full;
    private final DeviceMemory sums;
    private final DeviceMemory largestAndWeight;
    private final DeviceMemory counters;

    DecodeAttention(CudaResources resources, HeadShape shape, DevicePieces memory) {
        this.stream = resources.stream();
        this.shape = shape;
        this.queries = shape.group() == 1 ? 1 : shape.group() <= 4 ? 4 : 8;
        this.mostPieces = Math.clamp(BLOCKS / blocksOfToken(), FEWEST_PIECES, MOST_PIECES);
        int lanes = Math.max(4, AttentionOperation.powerOfTwo(shape.headSize() / 8));
        String variant = "l" + lanes + "_g" + queries;
        this.half = resources.kernels().find("attention", "gatun_attend_" + variant);
        this.full = resources.kernels().find("attention", "gatun_attend_f32_" + variant);
        long blocks = (long) TokenVariants.MOST * blocksOfToken();
        long rows = blocks * mostPieces * queries;
        this.sums = memory.allocate(rows * shape.headSize() * Float.BYTES);
        this.largestAndWeight = memory.allocate(rows * 2 * Float.BYTES);
        this.counters = resources.arena().allocate(blocks * Integer.BYTES);
        counters.zero(stream);
    }

    private int blocksOfToken() {
        return shape.kvHeads() * Math.ceilDiv(shape.group(), queries);
    }

    /** How many pieces there are for up to 8 tokens, the first of which stands at {@code position}. */
    int pieces(int position, int tokens) {
        return Math.min(mostPieces, Math.ceilDiv(position + tokens, PIECE));
    }

    /** For at most 8 tokens. */
    void attend(DeviceFloats q, LayerCache cache, DeviceFloats y) {
        launch(q, cache, mostPieces, y);
    }

    /** For any number of tokens, none of whose contexts is cut. */
    void attendUncut(DeviceFloats q, LayerCache cache, DeviceFloats y) {
        launch(q, cache, 1, y);
    }

    private void launch(DeviceFloats q, LayerCache cache, int pieces, DeviceFloats y) {
        KernelArguments kernel = cache.precision() == KvPrecision.F32 ? full : half;
        cache.setArguments(kernel, q, shape)
                .set(8, shape.window())
                .set(9, pieces)
                .set(10, sums)
                .set(11, largestAndWeight)
                .set(12, counters)
                .set(13, y.memory());
        int used = Math.min(pieces, pieces(cache.position(), q.rows()));
        int threads = queries == 8 ? 128 : 256;
        LaunchShape grid = LaunchShape.of(1, threads).grid(blocksOfToken(), used, q.rows());
        kernel.kernel().launch(grid, kernel, stream);
    }
}
