package dev.gatun.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Carries the codes of some tiles of a group row at a time. */
final class TileCodes {
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);

    private static final int WORDS_OF_A_ROW = TileShape.TILE_COLUMNS / Long.BYTES;

    private final TileShape shape;
    private final CodeOrder order;
    private final int rows;
    private final long[] words;

    TileCodes(TileShape shape) {
        this.shape = shape;
        this.order = CodeOrder.of(shape.format());
        this.rows = order.words() / WORDS_OF_A_ROW;
        this.words = order.newWords();
    }

    /** Tiles that are carried at once. */
    int side() {
        return order.side();
    }

    /** Row r of a tile's bytes is row group + r * groupRows of the packed ones. */
    private long packedAt(int group, int row, int tile) {
        return ((long) row * shape.groupRows() + group) * shape.columns() + TileShape.firstColumn(tile);
    }

    private int count(int tile) {
        return Math.min(side(), shape.tileColumns() - tile);
    }

    void tile(MemorySegment packed, int group, int tile, MemorySegment target) {
        int count = count(tile);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < count; i++) {
                load(packed, packedAt(group, row, tile + i), shape.width(tile + i), row, i);
            }
        }
        order.toTiles(words, count, target, shape.tileAt(group, tile), shape.tileBytes());
    }

    private void load(MemorySegment packed, long from, int width, int row, int tile) {
        if (width < TileShape.TILE_COLUMNS) {
            loadNarrow(packed, from, width, row, tile);
            return;
        }
        int side = side();
        int first = row * WORDS_OF_A_ROW * side + tile;
        for (int i = 0; i < WORDS_OF_A_ROW; i++) {
            words[first + i * side] = packed.get(LONG, from + (long) i * Long.BYTES);
        }
    }

    /** Words at the matrix's right edge, four bytes at a time; zeros beyond it. */
    private void loadNarrow(MemorySegment packed, long from, int width, int row, int tile) {
        for (int i = 0; i < WORDS_OF_A_ROW; i++) {
            int column = i * Long.BYTES;
            long low = column < width ? Integer.toUnsignedLong(packed.get(INT, from + column)) : 0;
            long high = column + 4 < width ? packed.get(INT, from + column + 4) : 0;
            words[(row * WORDS_OF_A_ROW + i) * side() + tile] = low | high << Integer.SIZE;
        }
    }

    void untile(MemorySegment tiles, int group, int tile, MemorySegment packed) {
        int count = count(tile);
        order.fromTiles(tiles, count, shape.tileAt(group, tile), shape.tileBytes(), words);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < count; i++) {
                store(packed, packedAt(group, row, tile + i), shape.width(tile + i), row, i);
            }
        }
    }

    private void store(MemorySegment packed, long to, int width, int row, int tile) {
        for (int column = 0; column < width; column += Integer.BYTES) {
            long word = words[(row * WORDS_OF_A_ROW + column / Long.BYTES) * side() + tile];
            packed.set(INT, to + column, (int) (word >>> (column % Long.BYTES * Byte.SIZE)));
        }
    }
}
