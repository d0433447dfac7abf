package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Matrices in tiles, made in device memory: random codes, scales and zeros, and a second level that makes sense. */
final class BenchmarkTiles {
    private static final float SCALE_OF_SCALES = 1e-4f;
    private static final float ZERO_OF_SCALES = -20;
    private static final float SCALE_OF_NARROW_SCALES = 1e-3f;
    private static final float ZERO_OF_NARROW_SCALES = -2;
    private static final int LARGEST_BYTE = 255;
    private static final int LARGEST_NARROW = 15;

    private final DeviceArena arena;
    private final CudaStream stream;
    private final RandomMemory random;

    BenchmarkTiles(DeviceArena arena, CudaStream stream, RandomMemory random) {
        this.arena = arena;
        this.stream = stream;
        this.random = random;
    }

    DeviceMatrix.Tiled matrix(TileShape shape) {
        DeviceMemory memory = arena.allocate(shape.bytes());
        random.fill(RandomMemory.Kind.CODES, memory);
        writeScales(shape, memory);
        return new DeviceMatrix.Tiled(shape, memory);
    }

    /** The experts of a layer. */
    LayerExperts.Tiled experts(ExpertBlock block, int count) {
        DeviceMemory blocks = arena.allocate(count * block.bytes());
        random.fill(RandomMemory.Kind.CODES, blocks);
        DeviceMemory table = arena.allocate((long) count * Long.BYTES);
        try (Arena host = Arena.ofConfined()) {
            MemorySegment pointers = host.allocate((long) count * Long.BYTES, Long.BYTES);
            for (int expert = 0; expert < count; expert++) {
                long start = expert * block.bytes();
                blocks.storeAddress(start, pointers, (long) expert * Long.BYTES);
                writeScales(
                        block.gate(),
                        blocks.slice(start + block.gateOffset(), block.gate().bytes()));
                writeScales(
                        block.up(),
                        blocks.slice(start + block.upOffset(), block.up().bytes()));
                writeScales(
                        block.down(),
                        blocks.slice(start + block.downOffset(), block.down().bytes()));
            }
            table.upload(0, pointers, stream);
        }
        return new LayerExperts.Tiled(block, table);
    }

    /** Everything of a matrix that is not random: the scale of the zeros, and the second level. */
    private void writeScales(TileShape shape, DeviceMemory matrix) {
        try (Arena host = Arena.ofConfined()) {
            if (shape.format() != TileFormat.Q2N) {
                MemorySegment header = host.allocate(shape.tilesOffset(), Float.BYTES);
                header.set(ValueLayout.JAVA_FLOAT, 0, zeroScale(shape.format()));
                matrix.upload(0, header, stream);
            }
            MemorySegment second = host.allocate(shape.secondBytes(), Long.BYTES);
            long pattern = shape.format() == TileFormat.Q2N ? narrow() : wide();
            for (long at = 0; at < second.byteSize(); at += Integer.BYTES) {
                second.set(ValueLayout.JAVA_INT, at, (int) (pattern >>> (at % Long.BYTES * Byte.SIZE)));
            }
            matrix.upload(shape.secondOffset(), second, stream);
        }
    }

    /** So that zeros are among the codes. */
    private static float zeroScale(TileFormat format) {
        return (format == TileFormat.Q4 ? 15f : 3f) / LARGEST_BYTE;
    }

    private static long wide() {
        long pair = halves(SCALE_OF_SCALES, ZERO_OF_SCALES);
        return pair | (pair << Integer.SIZE);
    }

    private static long narrow() {
        return halves(SCALE_OF_NARROW_SCALES, ZERO_OF_NARROW_SCALES) | (halves(3f / LARGEST_NARROW, 0) << Integer.SIZE);
    }

    private static long halves(float low, float high) {
        return (Float.floatToFloat16(low) & 0xffffL) | ((Float.floatToFloat16(high) & 0xffffL) << Short.SIZE);
    }
}
