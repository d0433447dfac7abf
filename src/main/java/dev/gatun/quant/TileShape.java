package dev.gatun.quant;

import java.util.Optional;

/**
 * Where the parts of a quantized matrix lie in the memory that the CUDA kernels read; kernels/layout.cuh is the description.
 *
 * @param format the format of its tiles
 * @param rows outputs, a multiple of the format's groups
 * @param columns inputs, a multiple of 4
 * @param pairs second-level pairs, which divide the groups; 0 for {@link TileFormat#Q2N}, whose second level is an entry for each
 *     128 columns of a group row
 * @param order of the columns; {@link ColumnOrder#SLICES} where the format is {@link TileFormat#Q2}, the columns are a multiple
 *     of 16 and the pairs one of the columns; {@link ColumnOrder#SIXTEENS} where it is {@link TileFormat#Q2N} and the columns
 *     are a multiple of 256
 */
public record TileShape(TileFormat format, int rows, int columns, int pairs, ColumnOrder order) {
    /** Columns of a tile. */
    public static final int TILE_COLUMNS = 128;

    /** What the bytes of a matrix are a multiple of, and what the kernels need of its address is a divisor of. */
    static final int MATRIX_ALIGNMENT = 256;

    public TileShape {
        Shapes.requirePositive(rows, columns);
        if (rows % format.groupSize() != 0 || columns % 4 != 0) {
            throw new IllegalArgumentException(format + " tiles do not divide a matrix of " + rows + " x " + columns);
        }
        // The kernels count groups in 32 bits.
        long groups = (long) rows / format.groupSize() * columns;
        if (groups > Integer.MAX_VALUE - columns) {
            throw new IllegalArgumentException(rows + " x " + columns + ": too many groups for a kernel");
        }
        if (format == TileFormat.Q2N ? pairs != 0 : pairs <= 0 || groups % pairs != 0) {
            throw new IllegalArgumentException(
                    pairs + " second-level pairs in " + format + " with " + groups + " groups");
        }
        if (!isPossible(order, format, columns, pairs)) {
            throw new IllegalArgumentException("no order " + order + " in " + format + " with " + columns
                    + " columns and " + pairs + " second-level pairs");
        }
    }

    private static boolean isPossible(ColumnOrder order, TileFormat format, int columns, int pairs) {
        return switch (order) {
            case NATURAL -> true;
            case SLICES -> format == TileFormat.Q2 && columns % ColumnOrder.TOGETHER == 0 && pairs % columns == 0;
            case SIXTEENS -> format == TileFormat.Q2N && columns % (order.slicesOfTiles() * ColumnOrder.TOGETHER) == 0;
        };
    }

    /** The shape of a matrix whose columns lie in their natural order. */
    public TileShape(TileFormat format, int rows, int columns, int pairs) {
        this(format, rows, columns, pairs, ColumnOrder.NATURAL);
    }

    /**
     * The shape that the same matrix has as w2 of an expert; this one if it has such an order. There are as many second-level
     * pairs then as it takes for each column to have its own ones, whichever column lies beside it.
     */
    public TileShape asDown() {
        ColumnOrder own = ColumnOrder.ofDown(format, columns);
        return order != ColumnOrder.NATURAL || own == ColumnOrder.NATURAL
                ? this
                : new TileShape(format, rows, columns, pairsInSlices(pairs, columns), own);
    }

    /** The least multiple of both, which divides the groups as both do. */
    static int pairsInSlices(int pairs, int columns) {
        return pairs / greatestCommonDivisor(pairs, columns) * columns;
    }

    /**
     * The shape that a matrix takes, or empty if the kernels cannot read it: its scheme is neither 2 bits in groups of 16 nor
     * (with 8-bit scales) 4 bits in groups of 64, its columns are no multiple of 4, it has too many groups, or its scales, zeros
     * or weights could reach magnitudes that kernels cannot hold in binary16.
     */
    public static Optional<TileShape> of(QuantizedMatrix matrix) {
        return switch (matrix) {
            case HqqMatrix hqq -> of(hqq);
            case NarrowMatrix narrow -> of(narrow);
        };
    }

    private static Optional<TileShape> of(HqqMatrix matrix) {
        return formatOf(matrix.scheme())
                .filter(format -> matrix.columns() % 4 == 0)
                .filter(format -> groups(matrix) <= Integer.MAX_VALUE - matrix.columns())
                .filter(format -> TileLimits.hold(matrix, format))
                .map(format -> new TileShape(format, matrix.rows(), matrix.columns(), pairs(matrix)));
    }

    private static Optional<TileShape> of(NarrowMatrix matrix) {
        return Optional.of(matrix)
                .filter(narrow -> narrow.scheme().bits() == 2)
                .filter(narrow -> narrow.scheme().groupSize() == TileFormat.Q2N.groupSize())
                .filter(narrow -> narrow.columns() % 4 == 0)
                .filter(narrow -> narrow.metas().byteSize() <= Integer.MAX_VALUE - narrow.columns())
                .filter(TileLimits::hold)
                .map(narrow -> new TileShape(TileFormat.Q2N, narrow.rows(), narrow.columns(), 0));
    }

    private static Optional<TileFormat> formatOf(HqqScheme scheme) {
        if (scheme.bits() == 2 && scheme.groupSize() == TileFormat.Q2.groupSize()) {
            return Optional.of(TileFormat.Q2);
        }
        if (scheme.bits() == 4 && scheme.groupSize() == TileFormat.Q4.groupSize()) {
            return Optional.of(TileFormat.Q4);
        }
        return Optional.empty();
    }

    /** Whether a matrix, tiled, has this shape. */
    boolean isOf(HqqMatrix matrix) {
        return formatOf(matrix.scheme()).filter(own -> own == format).isPresent()
                && rows == matrix.rows()
                && columns == matrix.columns()
                && pairs == (order == ColumnOrder.SLICES ? pairsInSlices(pairs(matrix), columns) : pairs(matrix));
    }

    private static long groups(HqqMatrix matrix) {
        return matrix.scaleCodes().byteSize();
    }

    private static int pairs(HqqMatrix matrix) {
        return Math.toIntExact(groups(matrix) / matrix.scheme().scaleGroup());
    }

    /** Group rows: the rows that each row of a group is apart from the next one. */
    public int groupRows() {
        return rows / format.groupSize();
    }

    /** Tiles side by side; the last one may be padded with zeros. */
    public int tileColumns() {
        return (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
    }

    /** Bytes of one tile. */
    public int tileBytes() {
        return format.tileBytes();
    }

    /** Group rows g and g + period have the same second-level pairs; divides the group rows. 1 for Q2N. */
    public int period() {
        return format == TileFormat.Q2N ? 1 : pairs / greatestCommonDivisor(columns, pairs);
    }

    private static int greatestCommonDivisor(int a, int b) {
        return b == 0 ? a : greatestCommonDivisor(b, a % b);
    }

    /** Where the first tile begins. */
    public long tilesOffset() {
        return format.headerBytes();
    }

    /** Where a tile begins. */
    long tileAt(int group, int tile) {
        return tilesOffset() + ((long) group * tileColumns() + tile) * tileBytes();
    }

    /** The first column of a tile. */
    static int firstColumn(int tile) {
        return tile * TILE_COLUMNS;
    }

    /** Columns of a tile that are the matrix's own. */
    int width(int tile) {
        return Math.min(TILE_COLUMNS, columns - firstColumn(tile));
    }

    /** Where the second level begins. */
    public long secondOffset() {
        return tilesOffset() + (long) groupRows() * tileColumns() * tileBytes();
    }

    /** Whether its columns lie in {@link ColumnOrder#SIXTEENS}. */
    public boolean isInSixteens() {
        return order == ColumnOrder.SIXTEENS;
    }

    /** Entries of the second level of a group row of {@link TileFormat#Q2N}; in the order of sixteens all those of 16 tiles. */
    int entries() {
        return isInSixteens() ? Math.ceilDiv(tileColumns(), 16) * 16 : tileColumns();
    }

    /** Which of these a column has, by where it lies. */
    int entryOf(int place) {
        return isInSixteens() ? place / (16 * TILE_COLUMNS) * 16 + place / 16 % 16 : place / TILE_COLUMNS;
    }

    /** Bytes of the second level, without the padding behind it. */
    public long secondBytes() {
        return format == TileFormat.Q2N
                ? (long) NarrowMatrix.PAIR_BYTES * groupRows() * entries()
                : 2L * Short.BYTES * pairs;
    }

    /** Bytes of it all. */
    public long bytes() {
        return padded(secondOffset() + secondBytes(), MATRIX_ALIGNMENT);
    }

    static long padded(long bytes, long multiple) {
        return (bytes + multiple - 1) / multiple * multiple;
    }
}
