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
        requireOwnShape(source, shape);
        requireTiles(shape, target);
        if (target.address() % ALIGNMENT != 0) {
            throw new IllegalArgumentException("the target is not at a multiple of " + ALIGNMENT + " bytes");
        }
        target.asSlice(0, shape.tilesOffset()).fill((byte) 0);
        target.set(FLOAT, 0, source.zeroScale());
        target.set(FLOAT, Float.BYTES, source.zeroZero());
        Codes codes = new Codes(shape);
        long at = shape.tilesOffset();
        for (int group = 0; group < shape.groupRows(); group++) {
            for (int first = 0; first < shape.columns(); first += TileShape.TILE_COLUMNS) {
                codes.tile(source.codes(), group, first, target, at);
                long metas = at + shape.format().codeBytes();
                copyMetas(source.scaleCodes(), shape, group, first, target, metas);
                copyMetas(source.zeroCodes(), shape, group, first, target, metas + TileShape.TILE_COLUMNS);
                at += shape.tileBytes();
            }
        }
        interleave(source.scaleScales(), source.scaleZeros(), shape.pairs(), target.asSlice(at));
        long end = at + shape.secondBytes();
        target.asSlice(end).fill((byte) 0);
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
        long at = shape.tilesOffset();
        for (int group = 0; group < shape.groupRows(); group++) {
            for (int first = 0; first < shape.columns(); first += TileShape.TILE_COLUMNS) {
                codes.untile(tiles, at, packed, group, first);
                long metas = at + shape.format().codeBytes();
                long to = (long) group * shape.columns() + first;
                int width = width(shape, first);
                MemorySegment.copy(tiles, metas, scaleCodes, to, width);
                MemorySegment.copy(tiles, metas + TileShape.TILE_COLUMNS, zeroCodes, to, width);
                at += shape.tileBytes();
            }
        }
        MemorySegment second = tiles.asSlice(at);
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

    /** Columns of a tile that are the matrix's own. */
    private static int width(TileShape shape, int first) {
        return Math.min(TileShape.TILE_COLUMNS, shape.columns() - first);
    }

    /** The scale or zero codes of one tile. */
    private static void copyMetas(
            MemorySegment codes, TileShape shape, int group, int first, MemorySegment target, long at) {
        int width = width(shape, first);
        MemorySegment.copy(codes, (long) group * shape.columns() + first, target, at, width);
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

    /** Carries the codes of one tile at a time. */
    private static final class Codes {
        private static final int WORDS_OF_A_ROW = TileShape.TILE_COLUMNS / Long.BYTES;

        private final TileShape shape;
        private final CodeOrder order;
        private final long[] hqq;
        private final long[] tile;

        Codes(TileShape shape) {
            this.shape = shape;
            this.order = CodeOrder.of(shape.format());
            this.hqq = new long[order.words()];
            this.tile = new long[order.words()];
        }

        /** Row r of the tile's bytes is row group + r * groupRows of the packed ones. */
        private long packedAt(int group, int row, int first) {
            return ((long) row * shape.groupRows() + group) * shape.columns() + first;
        }

        void tile(MemorySegment packed, int group, int first, MemorySegment target, long at) {
            int width = width(shape, first);
            if (width < TileShape.TILE_COLUMNS) {
                loadNarrow(packed, group, first, width);
            } else {
                for (int row = 0; row < hqq.length / WORDS_OF_A_ROW; row++) {
                    long from = packedAt(group, row, first);
                    MemorySegment.copy(packed, LONG, from, hqq, row * WORDS_OF_A_ROW, WORDS_OF_A_ROW);
                }
            }
            order.toTile(hqq, tile);
            MemorySegment.copy(tile, 0, target, LONG, at, tile.length);
        }

        /** Words at the matrix's right edge, four bytes at a time; zeros beyond it. */
        private void loadNarrow(MemorySegment packed, int group, int first, int width) {
            for (int i = 0; i < hqq.length; i++) {
                int column = i % WORDS_OF_A_ROW * Long.BYTES;
                long from = packedAt(group, i / WORDS_OF_A_ROW, first) + column;
                long low = column < width ? Integer.toUnsignedLong(packed.get(INT, from)) : 0;
                long high = column + 4 < width ? packed.get(INT, from + 4) : 0;
                hqq[i] = low | high << Integer.SIZE;
            }
        }

        void untile(MemorySegment tiles, long at, MemorySegment packed, int group, int first) {
            MemorySegment.copy(tiles, LONG, at, tile, 0, tile.length);
            order.fromTile(tile, hqq);
            for (int i = 0; i < hqq.length; i++) {
                int column = i % WORDS_OF_A_ROW * Long.BYTES;
                long to = packedAt(group, i / WORDS_OF_A_ROW, first) + column;
                for (int half = 0; half < 2 && first + column + 4 * half < shape.columns(); half++) {
                    packed.set(INT, to + 4L * half, (int) (hqq[i] >>> (Integer.SIZE * half)));
                }
            }
        }
    }
}
