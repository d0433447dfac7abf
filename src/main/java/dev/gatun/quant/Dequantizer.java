package dev.gatun.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * Widens weight matrices, row-major: the plain Java definition that every kernel is compared with.
 *
 * <p>The float32 results round after each operation, as the original HQQ library does in float32:
 * {@code scale = (scaleCode - scaleZero) * scaleScale}, {@code zero = (zeroCode - zeroZero) * zeroScale},
 * {@code W = (code - zero) * scale}, and so for Gatun's own scheme. The double results evaluate the same formulas in float64.
 */
public final class Dequantizer {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Dequantizer() {}

    /**
     * All weights, [rows * columns].
     *
     * @throws ArithmeticException if they are too many for one array
     */
    public static float[] toFloats(WeightMatrix matrix) {
        float[] weights = new float[Math.multiplyExact(matrix.rows(), matrix.columns())];
        for (int row = 0; row < matrix.rows(); row++) {
            row(matrix, row, weights, row * matrix.columns());
        }
        return weights;
    }

    /**
     * All weights in float64, [rows * columns].
     *
     * @throws ArithmeticException if they are too many for one array
     */
    public static double[] toDoubles(WeightMatrix matrix) {
        double[] weights = new double[Math.multiplyExact(matrix.rows(), matrix.columns())];
        for (int row = 0; row < matrix.rows(); row++) {
            row(matrix, row, weights, row * matrix.columns());
        }
        return weights;
    }

    /**
     * One row, written to {@code destination[offset]} up to {@code destination[offset + columns - 1]}.
     *
     * @throws IndexOutOfBoundsException if there is no such row, or it does not fit
     */
    public static void row(WeightMatrix matrix, int row, float[] destination, int offset) {
        checkRow(matrix, row, destination.length, offset);
        switch (matrix) {
            case DenseMatrix dense -> {
                for (int column = 0; column < dense.columns(); column++) {
                    destination[offset + column] = value(dense, row, column);
                }
            }
            case HqqMatrix hqq -> {
                for (int column = 0; column < hqq.columns(); column++) {
                    destination[offset + column] = value(hqq, row, column);
                }
            }
            case NarrowMatrix narrow -> {
                for (int column = 0; column < narrow.columns(); column++) {
                    destination[offset + column] = value(narrow, row, column);
                }
            }
            case TiledMatrix tiled -> {
                TileReader reader = new TileReader(tiled.shape(), tiled.tiles());
                for (int column = 0; column < tiled.columns(); column++) {
                    destination[offset + column] = reader.value(row, column);
                }
            }
        }
    }

    /**
     * One row in float64, written to {@code destination[offset]} up to {@code destination[offset + columns - 1]}.
     *
     * @throws IndexOutOfBoundsException if there is no such row, or it does not fit
     */
    public static void row(WeightMatrix matrix, int row, double[] destination, int offset) {
        checkRow(matrix, row, destination.length, offset);
        switch (matrix) {
            case DenseMatrix dense -> {
                for (int column = 0; column < dense.columns(); column++) {
                    destination[offset + column] = value(dense, row, column);
                }
            }
            case HqqMatrix hqq -> {
                for (int column = 0; column < hqq.columns(); column++) {
                    destination[offset + column] = exactValue(hqq, row, column);
                }
            }
            case NarrowMatrix narrow -> {
                for (int column = 0; column < narrow.columns(); column++) {
                    destination[offset + column] = exactValue(narrow, row, column);
                }
            }
            case TiledMatrix tiled -> {
                TileReader reader = new TileReader(tiled.shape(), tiled.tiles());
                for (int column = 0; column < tiled.columns(); column++) {
                    destination[offset + column] = reader.weight(row, column);
                }
            }
        }
    }

    private static void checkRow(WeightMatrix matrix, int row, int length, int offset) {
        Objects.checkIndex(row, matrix.rows());
        Objects.checkFromIndexSize(offset, matrix.columns(), length);
    }

    private static float value(DenseMatrix matrix, int row, int column) {
        MemorySegment values = matrix.values();
        long at = ((long) row * matrix.columns() + column) * matrix.type().bytes();
        return switch (matrix.type()) {
            case F32 -> values.get(FLOAT, at);
            case F16 -> Float.float16ToFloat(values.get(HALF, at));
            case BF16 -> Float.intBitsToFloat(values.get(HALF, at) << 16);
        };
    }

    private static float value(HqqMatrix matrix, int row, int column) {
        long group = group(matrix, row, column);
        long pair = pair(matrix, group);
        float scale = (unsigned(matrix.scaleCodes(), group) - half(matrix.scaleZeros(), pair))
                * half(matrix.scaleScales(), pair);
        float zero = (unsigned(matrix.zeroCodes(), group) - matrix.zeroZero()) * matrix.zeroScale();
        return (code(matrix, row, column) - zero) * scale;
    }

    private static double exactValue(HqqMatrix matrix, int row, int column) {
        long group = group(matrix, row, column);
        long pair = pair(matrix, group);
        double scale = ((double) unsigned(matrix.scaleCodes(), group) - half(matrix.scaleZeros(), pair))
                * half(matrix.scaleScales(), pair);
        double zero = ((double) unsigned(matrix.zeroCodes(), group) - matrix.zeroZero()) * matrix.zeroScale();
        return (code(matrix, row, column) - zero) * scale;
    }

    private static float value(NarrowMatrix matrix, int row, int column) {
        int meta = unsigned(matrix.metas(), group(matrix, row, column));
        long pair = pair(matrix, row, column);
        float scale = ((meta & 15) - half(matrix.pairs(), pair + 1)) * half(matrix.pairs(), pair);
        float zero = ((meta >>> 4) - half(matrix.pairs(), pair + 3)) * half(matrix.pairs(), pair + 2);
        return (code(matrix, row, column) - zero) * scale;
    }

    private static double exactValue(NarrowMatrix matrix, int row, int column) {
        int meta = unsigned(matrix.metas(), group(matrix, row, column));
        long pair = pair(matrix, row, column);
        double scale = ((double) (meta & 15) - half(matrix.pairs(), pair + 1)) * half(matrix.pairs(), pair);
        double zero = ((double) (meta >>> 4) - half(matrix.pairs(), pair + 3)) * half(matrix.pairs(), pair + 2);
        return (code(matrix, row, column) - zero) * scale;
    }

    private static long group(QuantizedMatrix matrix, int row, int column) {
        int groupRows = matrix.rows() / matrix.scheme().groupSize();
        return (long) (row % groupRows) * matrix.columns() + column;
    }

    private static long pair(HqqMatrix matrix, long group) {
        long pairs = matrix.scaleCodes().byteSize() / matrix.scheme().scaleGroup();
        return group % pairs;
    }

    /** The first of the four numbers of a second-level entry. */
    private static long pair(NarrowMatrix matrix, int row, int column) {
        long groupRow = row % (matrix.rows() / matrix.scheme().groupSize());
        return 4 * (groupRow * NarrowMatrix.pairColumns(matrix.columns()) + column / NarrowMatrix.PAIR_COLUMNS);
    }

    private static int code(QuantizedMatrix matrix, int row, int column) {
        int code = 0;
        for (CodePlane plane : matrix.scheme().planes()) {
            code |= field(matrix, plane, row, column) << plane.shift();
        }
        return code;
    }

    /** Rows r, r + N/fields, r + 2N/fields, ... share the bytes of packed row r, the first in the highest bits. */
    private static int field(QuantizedMatrix matrix, CodePlane plane, int row, int column) {
        int bits = plane.bits();
        int packedRows = matrix.rows() / plane.fields();
        long at = (long) (row % packedRows) * matrix.columns() + column;
        int shift = 8 - bits * (row / packedRows + 1);
        long offset = plane.offset((long) matrix.rows() * matrix.columns());
        return unsigned(matrix.codes(), offset + at) >>> shift & (1 << bits) - 1;
    }

    private static int unsigned(MemorySegment bytes, long at) {
        return Byte.toUnsignedInt(bytes.get(ValueLayout.JAVA_BYTE, at));
    }

    private static float half(MemorySegment values, long at) {
        return Float.float16ToFloat(values.get(HALF, at * Short.BYTES));
    }
}
