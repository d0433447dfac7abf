package dev.gatun.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Whether kernels can hold a matrix's scales, zeros and weights in binary16, whatever its codes are; told by its second level. A
 * NaN is never within limits.
 */
final class TileLimits {
    /** Kernels keep scaled inputs in binary16; |x| is below 256 there. */
    private static final float SCALE_LIMIT = 128;

    /** Kernels for many tokens keep weights in binary16, times 2^7 and 2^4. */
    private static final float Q2_WEIGHT_LIMIT = 500;

    private static final float Q4_WEIGHT_LIMIT = 4000;

    /**
     * Kernels for several tokens keep zeros of narrow tiles in binary16, too. Solvers keep them within a few times the largest
     * code, so none is near.
     */
    private static final float Q2N_ZERO_LIMIT = 60_000;

    private static final int BYTE = 255;
    private static final int NIBBLE = 15;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);

    private TileLimits() {}

    static boolean hold(HqqMatrix matrix, TileFormat format) {
        float scale = 0;
        for (long at = 0; at < matrix.scaleScales().byteSize(); at += Short.BYTES) {
            scale = Math.max(scale, largestScale(half(matrix.scaleScales(), at), half(matrix.scaleZeros(), at)));
        }
        return wide(format, scale, matrix.zeroScale(), matrix.zeroZero());
    }

    static boolean hold(NarrowMatrix matrix) {
        return narrow(matrix.pairs());
    }

    /** @param tiles {@code shape.bytes()} bytes */
    static boolean hold(TileShape shape, MemorySegment tiles) {
        MemorySegment second = tiles.asSlice(shape.secondOffset(), shape.secondBytes());
        // One large read, if it is a file's: page by page, the second levels of a whole 8x7B take long from a cold
        // disk.
        if (second.isMapped()) {
            second.load();
        }
        if (shape.format() == TileFormat.Q2N) {
            return narrow(second);
        }
        float scale = 0;
        for (long at = 0; at < second.byteSize(); at += 2 * Short.BYTES) {
            scale = Math.max(scale, largestScale(half(second, at), half(second, at + 2)));
        }
        return wide(shape.format(), scale, tiles.get(FLOAT, 0), tiles.get(FLOAT, Float.BYTES));
    }

    /** Math.max keeps a NaN, and a NaN is below no limit. */
    private static float largestScale(float scale, float zero) {
        return largestDistance(zero, BYTE) * Math.abs(scale);
    }

    private static boolean wide(TileFormat format, float scale, float zeroScale, float zeroZero) {
        float zero = largestDistance(zeroZero, BYTE) * Math.abs(zeroScale);
        return switch (format) {
            case Q2, Q2N -> scale < SCALE_LIMIT && (3 + zero) * scale < Q2_WEIGHT_LIMIT;
            case Q4 -> scale < SCALE_LIMIT && (15 + zero) * scale < Q4_WEIGHT_LIMIT;
        };
    }

    private static boolean narrow(MemorySegment pairs) {
        boolean small = true;
        for (long at = 0; at < pairs.byteSize(); at += NarrowMatrix.PAIR_BYTES) {
            float scale = largestDistance(half(pairs, at + 2), NIBBLE) * Math.abs(half(pairs, at));
            float zero = largestDistance(half(pairs, at + 6), NIBBLE) * Math.abs(half(pairs, at + 4));
            small &= scale < SCALE_LIMIT && zero < Q2N_ZERO_LIMIT && (3 + zero) * scale < Q2_WEIGHT_LIMIT;
        }
        return small;
    }

    /** From any code to a second-level zero. */
    private static float largestDistance(float zero, int largestCode) {
        return Math.max(Math.abs(zero), Math.abs(largestCode - zero));
    }

    private static float half(MemorySegment values, long at) {
        return Float.float16ToFloat(values.get(HALF, at));
    }
}
