package dev.gatun.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads single weights out of tiles, as kernels/layout.cuh puts them: the plain definition that tiling and kernels are
 * compared with.
 */
public final class TileReader {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final TileShape shape;
    private final MemorySegment tiles;

    /**
     * Reads a matrix.
     *
     * @param tiles exactly {@code shape.bytes()} bytes
     */
    public TileReader(TileShape shape, MemorySegment tiles) {
        this.shape = shape;
        this.tiles = tiles;
    }

    /** The matrix's shape. */
    public TileShape shape() {
        return shape;
    }

    /** All weights, [rows * columns]. */
    public double[] weights() {
        double[] weights = new double[shape.rows() * shape.columns()];
        for (int row = 0; row < shape.rows(); row++) {
            for (int column = 0; column < shape.columns(); column++) {
                weights[row * shape.columns() + column] = weight(row, column);
            }
        }
        return weights;
    }

    /** One weight, evaluated in float64. */
    public double weight(int row, int column) {
        int group = row % shape.groupRows();
        int place = placeOf(column);
        return (codeAt(row, place) - zero(group, place)) * scale(group, place);
    }

    /** The same weight, rounded to float32 after each operation. */
    public float value(int row, int column) {
        int group = row % shape.groupRows();
        int place = placeOf(column);
        float zero = (zeroCode(group, place) - (float) zeroOffset(group, place)) * (float) zeroStep(group, place);
        float scale = (scaleCode(group, place) - (float) second(group, place, 1)) * (float) second(group, place, 0);
        return (codeAt(row, place) - zero) * scale;
    }

    private int placeOf(int column) {
        return shape.order().placeOf(column, shape.columns());
    }

    private long tile(int group, int column) {
        return shape.tilesOffset() + ((long) group * shape.tileColumns() + column / 128) * shape.tileBytes();
    }

    int code(int row, int column) {
        return codeAt(row, placeOf(column));
    }

    // From here on columns are counted as they lie.

    private int codeAt(int row, int column) {
        int i = row / shape.groupRows();
        int c = column % 128;
        long tile = tile(row % shape.groupRows(), column);
        int lane = i % 8 * 4 + c / 4 % 4;
        int word = c / 2 % 2 * 2 + i / 8 % 2;
        int upper = c % 2 * 16;
        if (shape.format() == TileFormat.Q4) {
            long at = tile + ((i / 16 * 2 + c / 64) * 32 + lane) * 16L + 4L * word;
            return tiles.get(INT, at) >>> (c / 16 % 4 * 4 + upper) & 15;
        }
        return tiles.get(INT, tile + lane * 16L + 4L * word) >>> (c / 16 * 2 + upper) & 3;
    }

    private double scale(int group, int column) {
        return (scaleCode(group, column) - second(group, column, 1)) * second(group, column, 0);
    }

    private double zero(int group, int column) {
        return (zeroCode(group, column) - zeroOffset(group, column)) * zeroStep(group, column);
    }

    private int scaleCode(int group, int column) {
        return isNarrow() ? narrow(group, column) & 15 : wide(group, column, 0);
    }

    private int zeroCode(int group, int column) {
        return isNarrow() ? narrow(group, column) >> 4 : wide(group, column, 1);
    }

    private double zeroStep(int group, int column) {
        return isNarrow() ? second(group, column, 2) : tiles.get(FLOAT, 0);
    }

    private double zeroOffset(int group, int column) {
        return isNarrow() ? second(group, column, 3) : tiles.get(FLOAT, Float.BYTES);
    }

    private boolean isNarrow() {
        return shape.format() == TileFormat.Q2N;
    }

    private int wide(int group, int column, int which) {
        return unsigned(tile(group, column) + shape.format().codeBytes() + 128L * which + column % 128);
    }

    private int narrow(int group, int column) {
        return unsigned(tile(group, column) + 512 + column % 128);
    }

    private int unsigned(long at) {
        return Byte.toUnsignedInt(tiles.get(ValueLayout.JAVA_BYTE, at));
    }

    private double second(int group, int column, int which) {
        long entry = isNarrow()
                ? 4 * ((long) group * shape.entries() + shape.entryOf(column))
                : 2 * (((long) group * shape.columns() + column) % shape.pairs());
        return Float.float16ToFloat(tiles.get(HALF, shape.secondOffset() + 2 * (entry + which)));
    }
}
