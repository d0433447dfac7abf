package dev.gatun.jmh;

import dev.gatun.cpu.CpuFloatType;
import dev.gatun.cpu.CpuMatrix;
import dev.gatun.cpu.HqqLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.random.RandomGenerator;

/** The matrices of Mixtral 8x7B. */
@SuppressWarnings("ImmutableEnumChecker") // HqqLayout is a record of numbers
public enum Shape {
    /** Gate and up of an expert, 2 bits in groups of 16. */
    Q2_14336x4096(14336, 4096, new HqqLayout(2, 16, 128)),
    /** Down of an expert, 2 bits in groups of 16. */
    Q2_4096x14336(4096, 14336, new HqqLayout(2, 16, 128)),
    /** Queries and outputs of attention, 4 bits in groups of 64. */
    Q4_4096x4096(4096, 4096, new HqqLayout(4, 64, 256)),
    /** The same, unquantized. */
    BF16_4096x4096(4096, 4096, null);

    /** A matrix in one piece of memory, so that a plain read can touch what a product touches. */
    public record Block(CpuMatrix matrix, MemorySegment memory) {}

    private final int rows;
    private final int columns;
    private final HqqLayout layout;

    Shape(int rows, int columns, HqqLayout layout) {
        this.rows = rows;
        this.columns = columns;
        this.layout = layout;
    }

    /** Outputs. */
    public int rows() {
        return rows;
    }

    /** Inputs. */
    public int columns() {
        return columns;
    }

    /** Makes a matrix of random weights. */
    Block allocate(Arena arena, RandomGenerator random) {
        return layout == null ? allocateDense(arena, random) : allocateQuantized(arena, random);
    }

    private Block allocateDense(Arena arena, RandomGenerator random) {
        long count = (long) rows * columns;
        MemorySegment memory = arena.allocate(count * Short.BYTES, 4096);
        for (long i = 0; i < count; i++) {
            int bits = Float.floatToRawIntBits(random.nextFloat(-1, 1));
            memory.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (bits >>> 16));
        }
        return new Block(CpuMatrix.dense(arena, CpuFloatType.BF16, rows, columns, memory), memory);
    }

    private Block allocateQuantized(Arena arena, RandomGenerator random) {
        long codes = (long) rows * columns * layout.bits() / 8;
        long groups = (long) rows / layout.groupSize() * columns;
        long halves = groups / layout.scaleGroup() * Short.BYTES;
        MemorySegment memory = arena.allocate(codes + 2 * groups + 2 * halves, 4096);
        for (long i = 0; i < memory.byteSize() / Long.BYTES; i++) {
            memory.setAtIndex(ValueLayout.JAVA_LONG, i, random.nextLong());
        }
        MemorySegment scales = memory.asSlice(codes + 2 * groups, halves);
        MemorySegment zeros = memory.asSlice(codes + 2 * groups + halves, halves);
        fill(scales, random, 1e-5f, 1e-4f);
        fill(zeros, random, -100, 0);
        CpuMatrix matrix = CpuMatrix.hqq(
                arena,
                layout,
                rows,
                columns,
                memory.asSlice(0, codes),
                memory.asSlice(codes, groups),
                scales,
                zeros,
                memory.asSlice(codes + groups, groups),
                1 / 255f,
                0);
        return new Block(matrix, memory);
    }

    private static void fill(MemorySegment halves, RandomGenerator random, float low, float high) {
        for (long i = 0; i < halves.byteSize() / Short.BYTES; i++) {
            halves.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(random.nextFloat(low, high)));
        }
    }
}
