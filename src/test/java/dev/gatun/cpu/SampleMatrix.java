package dev.gatun.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A random matrix and what its weights are, row-major, by the definition in {@link CpuMatrix} evaluated in float64.
 *
 * @param matrix the matrix
 * @param weights rows &middot; columns weights
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record SampleMatrix(CpuMatrix matrix, double[] weights) {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    /** Any kind of matrix that has about these dimensions. */
    static SampleMatrix any(Arena arena, Random random, int rows, int columns) {
        return switch (random.nextInt(4)) {
            case 0 -> dense(arena, random, rows, columns);
            case 1 -> narrow(arena, random, rows, columns);
            default -> hqq(arena, random, rows, columns);
        };
    }

    static SampleMatrix dense(Arena arena, Random random, int rows, int columns) {
        CpuFloatType[] types = CpuFloatType.values();
        return dense(arena, random, types[random.nextInt(types.length)], rows, columns);
    }

    static SampleMatrix dense(Arena arena, Random random, CpuFloatType type, int rows, int columns) {
        int count = rows * columns;
        MemorySegment values = unaligned(arena, random, (long) count * type.bytes());
        double[] weights = new double[count];
        float[] wanted = Cases.values(random, count);
        for (int i = 0; i < count; i++) {
            weights[i] = store(values, type, i, wanted[i]);
        }
        return new SampleMatrix(CpuMatrix.dense(arena, type, rows, columns, values), weights);
    }

    /** Writes a value and returns what it was rounded to. */
    private static float store(MemorySegment values, CpuFloatType type, int index, float value) {
        int bits = Float.floatToRawIntBits(value);
        switch (type) {
            case F32 -> values.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * index, value);
            case F16 -> values.set(SHORT, 2L * index, Float.floatToFloat16(value));
            case BF16 -> values.set(SHORT, 2L * index, (short) (bits >>> 16));
        }
        return switch (type) {
            case F32 -> value;
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            case BF16 -> Float.intBitsToFloat(bits & 0xffff0000);
        };
    }

    /** A quantized matrix of random bits and groups, whose rows are rounded up to whole groups. */
    static SampleMatrix hqq(Arena arena, Random random, int rows, int columns) {
        int bits = Cases.oneOf(random, 2, 4, 8);
        int groupSize = Cases.oneOf(random, 8, 16, 32, 64);
        int wholeRows = (rows + groupSize - 1) / groupSize * groupSize;
        int groups = wholeRows / groupSize * columns;
        int[] divisors =
                IntStream.rangeClosed(1, groups).filter(n -> groups % n == 0).toArray();
        int scaleGroup = Cases.oneOf(random, divisors);
        return hqq(arena, random, new HqqLayout(bits, groupSize, scaleGroup), wholeRows, columns);
    }

    static SampleMatrix hqq(Arena arena, Random random, HqqLayout layout, int rows, int columns) {
        int groups = rows / layout.groupSize() * columns;
        int pairs = groups / layout.scaleGroup();
        MemorySegment codes = bytes(arena, random, rows * columns / 8 * layout.bits());
        MemorySegment scaleCodes = bytes(arena, random, groups);
        MemorySegment scaleScales = halves(arena, random, pairs, 1e-5, 1e-3);
        MemorySegment scaleZeros = halves(arena, random, pairs, -100, 10);
        MemorySegment zeroCodes = bytes(arena, random, groups);
        float zeroScale = ((1 << layout.bits()) - 1) / 255f;
        float zeroZero = random.nextFloat(20);
        CpuMatrix matrix = CpuMatrix.hqq(
                arena,
                layout,
                rows,
                columns,
                codes,
                scaleCodes,
                scaleScales,
                scaleZeros,
                zeroCodes,
                zeroScale,
                zeroZero);
        double[] weights = new double[rows * columns];
        for (int i = 0; i < weights.length; i++) {
            int s = i / columns % (rows / layout.groupSize()) * columns + i % columns;
            double scale = (unsigned(scaleCodes, s) - half(scaleZeros, s % pairs)) * half(scaleScales, s % pairs);
            double zero = (unsigned(zeroCodes, s) - (double) zeroZero) * zeroScale;
            weights[i] = (code(codes, layout.bits(), i) - zero) * scale;
        }
        return new SampleMatrix(matrix, weights);
    }

    /** A matrix with 4-bit scales, of random bits and groups, whose rows are rounded up to whole groups. */
    static SampleMatrix narrow(Arena arena, Random random, int atLeast, int columns) {
        int bits = Cases.oneOf(random, 2, 4, 8);
        int groupSize = Cases.oneOf(random, 8, 16, 32, 64);
        int groupRows = (atLeast + groupSize - 1) / groupSize;
        int rows = groupRows * groupSize;
        int entries = (columns + 127) / 128;
        MemorySegment codes = bytes(arena, random, rows * columns / 8 * bits);
        MemorySegment metas = bytes(arena, random, groupRows * columns);
        MemorySegment pairs = halves(arena, random, 4 * groupRows * entries, 1e-3, 3);
        CpuMatrix matrix = CpuMatrix.narrow(arena, bits, groupSize, rows, columns, codes, metas, pairs);
        double[] weights = new double[rows * columns];
        for (int i = 0; i < weights.length; i++) {
            int groupRow = i / columns % groupRows;
            int column = i % columns;
            int meta = unsigned(metas, groupRow * columns + column);
            int pair = 4 * (groupRow * entries + column / 128);
            double scale = ((meta & 15) - half(pairs, pair + 1)) * half(pairs, pair);
            double zero = ((meta >> 4) - half(pairs, pair + 3)) * half(pairs, pair + 2);
            weights[i] = (code(codes, bits, i) - zero) * scale;
        }
        return new SampleMatrix(matrix, weights);
    }

    /** The code of weight {@code index}: the highest field of a byte comes first in the matrix. */
    private static int code(MemorySegment codes, int bits, int index) {
        int bytes = (int) codes.byteSize();
        int shift = 8 - bits - index / bytes * bits;
        return unsigned(codes, index % bytes) >> shift & (1 << bits) - 1;
    }

    private static MemorySegment bytes(Arena arena, Random random, int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return unaligned(arena, random, count).copyFrom(MemorySegment.ofArray(bytes));
    }

    private static MemorySegment halves(Arena arena, Random random, int count, double low, double high) {
        MemorySegment halves = unaligned(arena, random, 2L * count);
        for (int i = 0; i < count; i++) {
            halves.set(SHORT, 2L * i, Float.floatToFloat16((float) random.nextDouble(low, high)));
        }
        return halves;
    }

    /** Memory as a mapped file has it: a tensor may start at any byte. */
    private static MemorySegment unaligned(Arena arena, Random random, long bytes) {
        int shift = random.nextInt(8);
        return arena.allocate(bytes + shift, 64).asSlice(shift);
    }

    private static int unsigned(MemorySegment bytes, int index) {
        return Byte.toUnsignedInt(bytes.get(ValueLayout.JAVA_BYTE, index));
    }

    private static double half(MemorySegment halves, int index) {
        return Float.float16ToFloat(halves.get(SHORT, 2L * index));
    }
}
