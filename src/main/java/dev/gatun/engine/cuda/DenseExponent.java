package dev.gatun.engine.cuda;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/** The power of two by which the batched kernels multiply weights before these become fp16. */
final class DenseExponent {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int TOP = 15;
    private static final int MOST = 126;
    private static final int INFINITE = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);

    private DenseExponent() {}

    /** The largest e with |W| 2^e at most 2^15 for all finite weights; 0 for fp16, which is taken as it is. */
    static int of(DenseMatrix matrix) {
        if (matrix.type() == FloatType.F16) {
            return 0;
        }
        float largest = Float.intBitsToFloat(largestBits(matrix));
        return largest == 0 ? 0 : Math.clamp(TOP - 1 - Math.getExponent(largest), -MOST, MOST);
    }

    /** The bits of the largest finite magnitude, as a float32: magnitudes and their bits have the same order. */
    private static int largestBits(DenseMatrix matrix) {
        return IntStream.range(0, matrix.rows())
                .parallel()
                .map(row -> largestBits(matrix, row))
                .max()
                .orElse(0);
    }

    private static int largestBits(DenseMatrix matrix, int row) {
        boolean full = matrix.type() == FloatType.F32;
        long first = (long) row * matrix.columns();
        int largest = 0;
        for (long i = first; i < first + matrix.columns(); i++) {
            int bits = full
                    ? matrix.values().get(INT, i * Integer.BYTES)
                    : matrix.values().get(SHORT, i * Short.BYTES) << Short.SIZE;
            int magnitude = bits & Integer.MAX_VALUE;
            largest = magnitude > largest && magnitude < INFINITE ? magnitude : largest;
        }
        return largest;
    }
}
