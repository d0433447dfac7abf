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

    private HqqTiler() {}

    /**
     * Writes a matrix in the kernels' order, padding included.
     *
     * @param shape the matrix's own, by {@link TileShape#of}
     * @param target exactly {@code shape.bytes()} bytes at a multiple of 16
     */
    public static void tile(HqqMatrix source, TileShape shape, MemorySegment target) {
        requireFit(source, shape, target);
        if (shape.order() == ColumnOrder.NATURAL) {
            write(source, shape, target);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            write(MovedColumns.of(source, shape.order(), arena), shape, target);
        }
    }

    /** Columns lie as those of the source do. */
    private static void write(HqqMatrix source, TileShape shape, MemorySegment target) {
        target.asSlice(0, shape.tilesOffset()).fill((byte) 0);
        target.set(FLOAT, 0, source.zeroScale());
        target.set(FLOAT, Float.BYTES, source.zeroZero());
        TileCodes codes = new TileCodes(shape);
        for (int group = 0; group < shape.groupRows(); group++) {
            for (int tile = 0; tile < shape.tileColumns(); tile += codes.side()) {
                codes.tile(source.codes(), group, tile, target);
            }
            for (int tile = 0; tile < shape.tileColumns(); tile++) {
                long metas = shape.tileAt(group, tile) + shape.format().codeBytes();
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
        requireTarget(shape, target);
    }

    static void requireTarget(TileShape shape, MemorySegment target) {
        requireTiles(shape, target);
        if (target.address() % ALIGNMENT != 0) {
            throw new IllegalArgumentException("the target is not at a multiple of " + ALIGNMENT + " bytes");
        }
    }

    /**
     * Reads a matrix back; one that was tiled in the order of slices may have got more second-level pairs, of the same values.
     *
     * @param shape of the tiles; not {@link TileFormat#Q2N}, which HQQ has no scheme for
     * @param tiles what {@link #tile} wrote
     * @param arena where the matrix's segments are allocated
     */
    public static HqqMatrix untile(TileShape shape, MemorySegment tiles, Arena arena) {
        HqqScheme scheme = schemeOf(shape);
        requireTiles(shape, tiles);
        HqqMatrix matrix = read(scheme, shape, tiles, arena);
        return shape.order() == ColumnOrder.NATURAL ? matrix : MovedColumns.undo(matrix, shape.order(), arena);
    }

    /** Columns lie as they do in the tiles. */
    private static HqqMatrix read(HqqScheme scheme, TileShape shape, MemorySegment tiles, Arena arena) {
        long groups = (long) shape.groupRows() * shape.columns();
        MemorySegment packed = arena.allocate((long) shape.rows() * shape.columns() * scheme.bits() / 8);
        MemorySegment scaleCodes = arena.allocate(groups);
        MemorySegment zeroCodes = arena.allocate(groups);
        TileCodes codes = new TileCodes(shape);
        for (int group = 0; group < shape.groupRows(); group++) {
            for (int tile = 0; tile < shape.tileColumns(); tile += codes.side()) {
                codes.untile(tiles, group, tile, packed);
            }
            for (int tile = 0; tile < shape.tileColumns(); tile++) {
                long metas = shape.tileAt(group, tile) + shape.format().codeBytes();
                long to = (long) group * shape.columns() + TileShape.firstColumn(tile);
                int width = shape.width(tile);
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
        if (!shape.isOf(source)) {
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

    /** The scale or zero codes of one tile. */
    static void copyMetas(MemorySegment codes, TileShape shape, int group, int tile, MemorySegment target, long at) {
        int width = shape.width(tile);
        MemorySegment.copy(codes, (long) group * shape.columns() + TileShape.firstColumn(tile), target, at, width);
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
}
