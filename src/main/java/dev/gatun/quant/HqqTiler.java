package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Brings HQQ matrices into the order in which the CUDA kernels read them, and back; no bit is lost on the way. Calls share
 * nothing: any number of threads may tile different matrices at once.
 */
public final class HqqTiler {
    /** What the kernels need of an address. */
    private static final int ALIGNMENT = 16;

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);

    private HqqTiler() {}

    /**
     * Writes a matrix in the kernels' order, padding included.
     *
     * @param shape the matrix's own, by {@link TileShape#of}
     * @param target exactly {@code shape.bytes()} bytes at a multiple of 16
     */
    public static void tile(HqqMatrix source, TileShape shape, MemorySegment target) {
        requireFit(source, shape, target);
        target.asSlice(0, shape.tilesOffset()).fill((byte) 0);
        target.set(FLOAT, 0, source.zeroScale());
        target.set(FLOAT, Float.BYTES, source.zeroZero());
        Codes codes = new Codes(shape);
        for (int group = 0; group < shape.groupRows(); group++) {
            for (int tile = 0; tile < shape.tileColumns(); tile += codes.side()) {
                codes.tile(source.codes(), group, tile, target);
            }
            for (int tile = 0; tile < shape.tileColumns(); tile++) {
                long metas = at(shape, group, tile) + shape.format().codeBytes();
                copyMetas(source.scaleCodes(), shape, group, tile, target, metas);
                copyMetas(source.zeroCodes(), shape, group, tile, target, metas + TileShape.TILE_COLUMNS);
            }
        }
        interleave(source.scaleScales(), source.scaleZeros(), shape.pairs(), target.asSlice(shape.secondOffset()));
        target.asSlice(shape.secondOffset() + shape.secondBytes()).fill((byte) 0);
    }

    /**
     * Checks what {@link #tile} needs, for others that write the same.
     *
     * @throws IllegalArgumentException if the shape is another matrix's, or the target does not fit it
     */
    public static void requireFit(HqqMatrix source, TileShape shape, MemorySegment target) {
        requireOwnShape(source, shape);
        requireTiles(shape, target);
        if (target.address() % ALIGNMENT != 0) {
            throw new IllegalArgumentException("the target is not at a multiple of " + ALIGNMENT + " bytes");
        }
    }

    /**
     * Reads a matrix back.
     *
     * @param shape of the tiles; not {@link TileFormat#Q2N}, which HQQ has no scheme for
     * @param tiles what {@link #tile} wrote
     * @param arena where the matrix's segments are allocated
     */
    public static HqqMatrix untile(TileShape shape, MemorySegment tiles, Arena arena) {
        HqqScheme scheme = schemeOf(shape);
        requireTiles(shape, tiles);
        long groups = (long) shape.groupRows() * shape.columns();
        MemorySegment packed = arena.allocate((long) shape.rows() * shape.columns() * scheme.bits() / 8);
        MemorySegment scaleCodes = arena.allocate(groups);
        MemorySegment zeroCodes = arena.allocate(groups);
        Codes codes = new Codes(shape);
        for (int group = 0; group < shape.groupRows(); group++) {
            for (int tile = 0; tile < shape.tileColumns(); tile += codes.side()) {
                codes.untile(tiles, group, tile, packed);
            }
            for (int tile = 0; tile < shape.tileColumns(); tile++) {
                long metas = at(shape, group, tile) + shape.format().codeBytes();
                long to = (long) group * shape.columns() + first(tile);
                int width = width(shape, tile);
                MemorySegment.copy(tiles, metas, scaleCodes, to, width);
                MemorySegment.copy(tiles, metas + TileShape.TILE_COLUMNS, zeroCodes, to, width);
            }
        }
        MemorySegment second = tiles.asSlice(shape.secondOffset());
        return new HqqMatrix(
                scheme,
                shape.rows(),
                shape.columns(),
                packed,
                scaleCodes,
                everySecondHalf(second, 0, shape.pairs(), arena),
                everySecondHalf(second, 1, shape.pairs(), arena),
                zeroCodes,
                tiles.get(FLOAT, 0),
                tiles.get(FLOAT, Float.BYTES));
    }

    private static void requireOwnShape(HqqMatrix source, TileShape shape) {
        if (!schemeOf(shape).equals(source.scheme())
                || shape.rows() != source.rows()
                || shape.columns() != source.columns()) {
            throw new IllegalArgumentException(shape + " is not the shape of a matrix of " + source.rows() + " x "
                    + source.columns() + " in " + source.scheme());
        }
    }

    private static void requireTiles(TileShape shape, MemorySegment tiles) {
        Shapes.requireBytes("tiles", tiles, shape.bytes());
    }

    private static HqqScheme schemeOf(TileShape shape) {
        int bits = switch (shape.format()) {
            case Q2 -> 2;
            case Q4 -> 4;
            case Q2N -> throw new IllegalArgumentException("HQQ has no matrices of " + shape);
        };
        int groups = shape.groupRows() * shape.columns();
        return new HqqScheme(bits, shape.format().groupSize(), groups / shape.pairs());
    }

    /** Where a tile begins. */
    private static long at(TileShape shape, int group, int tile) {
        return shape.tilesOffset() + ((long) group * shape.tileColumns() + tile) * shape.tileBytes();
    }

    /** The first column of a tile. */
    private static int first(int tile) {
        return tile * TileShape.TILE_COLUMNS;
    }

    /** Columns of a tile that are the matrix's own. */
    private static int width(TileShape shape, int tile) {
        return Math.min(TileShape.TILE_COLUMNS, shape.columns() - first(tile));
    }

    /** The scale or zero codes of one tile. */
    private static void copyMetas(
            MemorySegment codes, TileShape shape, int group, int tile, MemorySegment target, long at) {
        int width = width(shape, tile);
        MemorySegment.copy(codes, (long) group * shape.columns() + first(tile), target, at, width);
        if (width < TileShape.TILE_COLUMNS) {
            target.asSlice(at + width, TileShape.TILE_COLUMNS - width).fill((byte) 0);
        }
    }

    private static void interleave(MemorySegment low, MemorySegment high, int count, MemorySegment target) {
        for (long i = 0; i < count; i++) {
            int pair = Short.toUnsignedInt(low.get(HALF, 2 * i)) | high.get(HALF, 2 * i) << Short.SIZE;
            target.set(INT, 4 * i, pair);
        }
    }

    private static MemorySegment everySecondHalf(MemorySegment halves, int first, int count, Arena arena) {
        MemorySegment chosen = arena.allocate((long) count * Short.BYTES, Short.BYTES);
        for (long i = 0; i < count; i++) {
            chosen.set(HALF, 2 * i, halves.get(HALF, 4 * i + 2L * first));
        }
        return chosen;
    }

    /** Carries the codes of some tiles of a group row at a time. */
    private static final class Codes {
        private static final int WORDS_OF_A_ROW = TileShape.TILE_COLUMNS / Long.BYTES;

        private final TileShape shape;
        private final CodeOrder order;
        private final int rows;
        private final long[] words;

        Codes(TileShape shape) {
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
            return ((long) row * shape.groupRows() + group) * shape.columns() + first(tile);
        }

        private int count(int tile) {
            return Math.min(side(), shape.tileColumns() - tile);
        }

        void tile(MemorySegment packed, int group, int tile, MemorySegment target) {
            int count = count(tile);
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < count; i++) {
                    load(packed, packedAt(group, row, tile + i), width(shape, tile + i), row, i);
                }
            }
            order.toTiles(words, count, target, at(shape, group, tile), shape.tileBytes());
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
            order.fromTiles(tiles, count, at(shape, group, tile), shape.tileBytes(), words);
            for (int row = 0; row < rows; row++) {
                for (int i = 0; i < count; i++) {
                    store(packed, packedAt(group, row, tile + i), width(shape, tile + i), row, i);
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
}
