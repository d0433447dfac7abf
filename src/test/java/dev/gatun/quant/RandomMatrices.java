package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;

/**
 * Well-formed random matrices for tests; the same seed and the same calls give the same matrices. Weights have a
 * standard deviation of about 1 / sqrt(columns), so that a product keeps the magnitude of its input. Segments are native
 * memory at deliberately odd addresses, read-only, and live as long as they are reachable.
 */
public final class RandomMatrices {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final SplittableRandom random;

    public RandomMatrices(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** A dense matrix. */
    public DenseMatrix dense(FloatType type, int rows, int columns) {
        return dense(type, rows, columns, 0, 1 / Math.sqrt(columns));
    }

    /** The weights of a norm: one row near 1. */
    public DenseMatrix norm(FloatType type, int columns) {
        return dense(type, 1, columns, 1, 0.1);
    }

    /** An HQQ matrix of a scheme that must divide it. */
    public HqqMatrix hqq(HqqScheme scheme, int rows, int columns) {
        int groups = Math.toIntExact((long) rows / scheme.groupSize() * columns);
        int pairs = groups / scheme.scaleGroup();
        int levels = 1 << scheme.bits();
        // Codes are uniform: their deviation is levels / sqrt(12), and the mean of a scale is 148 of its steps.
        double step = Math.sqrt(12) / levels / Math.sqrt(columns) / 148;
        MemorySegment scaleZeros = halves(pairs, () -> -20 + 10 * random.nextGaussian());
        return new HqqMatrix(
                scheme,
                rows,
                columns,
                bytes((long) rows * columns * scheme.bits() / 8),
                bytes(groups),
                halves(pairs, () -> step * (0.5 + random.nextDouble())),
                scaleZeros,
                bytes(groups),
                half(levels / 255.0 * (0.8 + 0.2 * random.nextDouble())),
                half(-10 * random.nextDouble()));
    }

    /** A matrix of Gatun's own scheme, which must divide it. */
    public NarrowMatrix narrow(NarrowScheme scheme, int rows, int columns) {
        int groupRows = rows / scheme.groupSize();
        int entries = groupRows * NarrowMatrix.pairColumns(columns);
        int levels = 1 << scheme.bits();
        // As above; the mean of a scale is 9.5 of its steps.
        double step = Math.sqrt(12) / levels / Math.sqrt(columns) / 9.5;
        MemorySegment pairs = allocate((long) entries * NarrowMatrix.PAIR_BYTES);
        for (int entry = 0; entry < entries; entry++) {
            setHalf(pairs, 4 * entry, step * (0.5 + random.nextDouble()));
            setHalf(pairs, 4 * entry + 1, -1 - 2 * random.nextDouble());
            setHalf(pairs, 4 * entry + 2, levels / 15.0 * (0.8 + 0.2 * random.nextDouble()));
            setHalf(pairs, 4 * entry + 3, -random.nextDouble());
        }
        return new NarrowMatrix(
                scheme,
                rows,
                columns,
                bytes((long) rows * columns * scheme.bits() / 8),
                bytes((long) groupRows * columns),
                pairs.asReadOnly());
    }

    /** A scheme of this many bits that divides such a matrix; rows must be a multiple of the codes in a byte. */
    public HqqScheme scheme(int bits, int rows, int columns) {
        // Of 3 bits, the highest ones are packed by themselves.
        int fields = bits == 3 ? 8 : 8 / bits;
        int groupSize = fields * divisor(rows / fields);
        return new HqqScheme(bits, groupSize, divisor(rows / groupSize * columns));
    }

    private int divisor(int number) {
        int[] divisors = IntStream.rangeClosed(1, number)
                .filter(candidate -> number % candidate == 0)
                .toArray();
        return divisors[random.nextInt(divisors.length)];
    }

    private DenseMatrix dense(FloatType type, int rows, int columns, double mean, double deviation) {
        long count = (long) rows * columns;
        MemorySegment values = allocate(count * type.bytes());
        for (long i = 0; i < count; i++) {
            float value = (float) (mean + deviation * random.nextGaussian());
            switch (type) {
                case F32 -> values.set(FLOAT, i * Float.BYTES, value);
                case F16 -> values.set(HALF, i * Short.BYTES, Float.floatToFloat16(value));
                case BF16 -> values.set(HALF, i * Short.BYTES, (short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
        return new DenseMatrix(type, rows, columns, values.asReadOnly());
    }

    private MemorySegment bytes(long count) {
        byte[] bytes = new byte[Math.toIntExact(count)];
        random.nextBytes(bytes);
        MemorySegment segment = allocate(count);
        segment.copyFrom(MemorySegment.ofArray(bytes));
        return segment.asReadOnly();
    }

    private MemorySegment halves(int count, DoubleSupplier values) {
        MemorySegment segment = allocate((long) count * Short.BYTES);
        for (int i = 0; i < count; i++) {
            setHalf(segment, i, values.getAsDouble());
        }
        return segment.asReadOnly();
    }

    private static void setHalf(MemorySegment segment, int index, double value) {
        segment.setAtIndex(HALF, index, Float.floatToFloat16((float) value));
    }

    private static float half(double value) {
        return Float.float16ToFloat(Float.floatToFloat16((float) value));
    }

    private static MemorySegment allocate(long bytes) {
        return Arena.ofAuto().allocate(bytes + 1).asSlice(1);
    }
}
