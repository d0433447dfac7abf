package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;

/**
 * {@code prefill_attention.cu}: a chunk of a prompt on tensor cores, over a cache of 16 bits. Tile size and parts follow from
 * the chunk's place and shape alone, as the kernel's header advises.
 */
final class PrefillAttention {
    private static final int MOST_PARTS = 32;
    private static final int BLOCKS = 256;
    private static final int LARGE = 128;
    private static final int SMALL = 64;
    private static final int LARGE_FROM_TILES = 512;
    private static final int FAR_FROM = 4096;
    private static final int FAR_FROM_TILES = 64;
    private static final int WHOLE_UP_TO = 512;
    private static final int COMBINE_BLOCK = 256;
    private static final int COMBINE_HEADS = 8;

    /** The kernels of one tile size. */
    private record Tile(int rows, int block, int shared, KernelArguments attend, KernelArguments combine) {}

    private final CudaStream stream;
    private final HeadShape shape;
    private final Tile large;
    private final Tile small;
    private final int keys;
    private final DeviceMemory sums;
    private final DeviceMemory largestAndWeight;

    PrefillAttention(CudaResources resources, HeadShape shape, DevicePieces memory) {
        this.stream = resources.stream();
        this.shape = shape;
        int size = Math.max(64, AttentionOperation.powerOfTwo(shape.headSize()));
        this.keys = size == 256 ? 32 : 64;
        this.large = tile(resources.kernels(), size, LARGE);
        this.small = tile(resources.kernels(), size, SMALL);
        this.sums = memory.allocate((long) BLOCKS * LARGE * shape.headSize() * Float.BYTES);
        this.largestAndWeight = memory.allocate(BLOCKS * LARGE * 2L * Float.BYTES);
    }

    private static Tile tile(KernelLibrary kernels, int size, int rows) {
        int shared = size == 64 ? 16384 : size == 128 && rows == LARGE ? 65536 : 32768;
        return new Tile(
                rows,
                size == 256 && rows == LARGE ? 256 : 128,
                shared,
                kernels.find("prefill_attention", "gatun_prefill_attend_d" + size + "_r" + rows),
                kernels.find("prefill_attention", "gatun_prefill_combine_r" + rows));
    }

    void attend(DeviceFloats q, LayerCache cache, DeviceFloats y) {
        Tile tile = tileFor(q.rows(), cache.position());
        int tiles = Math.ceilDiv(q.rows() * shape.group(), tile.rows());
        int parts = cache.position() + q.rows() <= WHOLE_UP_TO
                ? 1
                : Math.clamp(BLOCKS / ((long) shape.kvHeads() * tiles), 1, MOST_PARTS);
        KernelArguments attend = cache.setArguments(tile.attend(), q, shape)
                .set(8, q.rows())
                .set(9, shape.window())
                .set(10, y.memory())
                .set(11, parts)
                .set(12, sums)
                .set(13, largestAndWeight);
        LaunchShape grid = LaunchShape.of(1, tile.block())
                .grid(shape.kvHeads(), tiles, parts)
                .sharing(tile.shared());
        attend.kernel().launch(grid, attend, stream);
        if (parts > 1) {
            combine(tile.combine(), q.rows(), cache, parts, y);
        }
    }

    private Tile tileFor(int tokens, int position) {
        int largeTiles = shape.kvHeads() * Math.ceilDiv(tokens * shape.group(), LARGE);
        boolean fills = largeTiles >= LARGE_FROM_TILES || (position >= FAR_FROM && largeTiles >= FAR_FROM_TILES);
        return fills ? large : small;
    }

    private void combine(KernelArguments combine, int tokens, LayerCache cache, int parts, DeviceFloats y) {
        combine.set(0, sums)
                .set(1, largestAndWeight)
                .set(2, (long) cache.capacity())
                .set(3, shape.heads())
                .set(4, shape.kvHeads())
                .set(5, shape.headSize())
                .set(6, cache.devicePosition())
                .set(7, tokens)
                .set(8, shape.window())
                .set(9, parts)
                .set(10, keys)
                .set(11, y.memory());
        LaunchShape grid = LaunchShape.of(1, COMBINE_BLOCK).grid(Math.ceilDiv(shape.heads(), COMBINE_HEADS), tokens, 1);
        combine.kernel().launch(grid, combine, stream);
    }
}
