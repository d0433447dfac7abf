package dev.gatun.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads single weights out of tiles in double precision, as kernels/layout.cuh puts them: the plain definition that tiling
 * and kernels are compared with.
 */
public final class TileReader {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final TileShape shape;
    private final MemorySegment tiles;

    public TileReader(TileShape shape, MemorySegment tiles) {
        this.shape = shape;
        this.tiles = tiles;
    }

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

    public double weight(int row, int column) {
        int group = row % shape.groupRows();
        return (code(row, column) - zero(group, column)) * scale(group, column);
    }

    private long tile(int group, int column) {
        return shape.tilesOffset() + ((long) group * shape.tileColumns() + column / 128) * shape.tileBytes();
    }

    int code(int row, int column) {
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
        if (shape.format() == TileFormat.Q2N) {
            return ((narrow(group, column) & 15) - second(group, column, 1)) * second(group, column, 0);
        }
        return (wide(group, column, 0) - second(group, column, 1)) * second(group, column, 0);
    }

    private double zero(int group, int column) {
        if (shape.format() == TileFormat.Q2N) {
            return ((narrow(group, column) >> 4) - second(group, column, 3)) * second(group, column, 2);
        }
        return ((double) wide(group, column, 1) - tiles.get(FLOAT, 4)) * tiles.get(FLOAT, 0);
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
        long entry = shape.format() == TileFormat.Q2N
                ? 4 * ((long) group * shape.tileColumns() + column / 128)
                : 2 * (((long) group * shape.columns() + column) % shape.pairs());
        return Float.float16ToFloat(tiles.get(HALF, shape.secondOffset() + 2 * (entry + which)));
    }
}
