package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Brings the columns of a matrix into another order, and back. What belongs to a column moves with it; HQQ's second-level pairs
 * are repeated until they are those of whole rows first.
 */
final class MovedColumns {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;

    /** Which column comes to each place. */
    private final int[] sources;

    private final Arena arena;

    private MovedColumns(int columns, Arena arena) {
        this.sources = new int[columns];
        this.arena = arena;
    }

    private static MovedColumns to(ColumnOrder order, int columns, Arena arena) {
        MovedColumns moved = new MovedColumns(columns, arena);
        for (int column = 0; column < columns; column++) {
            moved.sources[order.placeOf(column, columns)] = column;
        }
        return moved;
    }

    /** The matrix with its columns in an order. */
    static HqqMatrix of(HqqMatrix matrix, ColumnOrder order, Arena arena) {
        return to(order, matrix.columns(), arena).move(matrix);
    }

    /**
     * The matrix with its columns in the order of sixteens; the second level of a row has an entry for each value of 128 slices,
     * which were adjacent columns.
     */
    static NarrowMatrix inSixteens(NarrowMatrix matrix, Arena arena) {
        MovedColumns moved = to(ColumnOrder.SIXTEENS, matrix.columns(), arena);
        return new NarrowMatrix(
                matrix.scheme(),
                matrix.rows(),
                matrix.columns(),
                moved.bytes(matrix.codes()),
                moved.bytes(matrix.metas()),
                moved.entries(matrix.pairs()));
    }

    /** Undoes {@link #of(HqqMatrix, ColumnOrder, Arena)}, but for pairs that were repeated. */
    static HqqMatrix undo(HqqMatrix matrix, ColumnOrder order, Arena arena) {
        MovedColumns moved = new MovedColumns(matrix.columns(), arena);
        for (int column = 0; column < matrix.columns(); column++) {
            moved.sources[column] = order.placeOf(column, matrix.columns());
        }
        return moved.move(matrix);
    }

    private HqqMatrix move(HqqMatrix matrix) {
        HqqScheme scheme = matrix.scheme();
        int groups = Math.toIntExact(matrix.scaleCodes().byteSize());
        int pairs = TileShape.pairsInSlices(groups / scheme.scaleGroup(), matrix.columns());
        return new HqqMatrix(
                new HqqScheme(scheme.bits(), scheme.groupSize(), groups / pairs),
                matrix.rows(),
                matrix.columns(),
                bytes(matrix.codes()),
                bytes(matrix.scaleCodes()),
                halves(matrix.scaleScales(), pairs),
                halves(matrix.scaleZeros(), pairs),
                bytes(matrix.zeroCodes()),
                matrix.zeroScale(),
                matrix.zeroZero());
    }

    /** Rows of as many bytes as there are columns. */
    private MemorySegment bytes(MemorySegment rows) {
        MemorySegment moved = arena.allocate(rows.byteSize());
        for (long row = 0; row < rows.byteSize(); row += sources.length) {
            for (int i = 0; i < sources.length; i++) {
                moved.set(ValueLayout.JAVA_BYTE, row + i, rows.get(ValueLayout.JAVA_BYTE, row + sources[i]));
            }
        }
        return moved;
    }

    /** Some numbers in binary16, repeated until they are so many, in rows of as many as there are columns. */
    private MemorySegment halves(MemorySegment numbers, int count) {
        long given = numbers.byteSize() / Short.BYTES;
        MemorySegment moved = arena.allocate((long) count * Short.BYTES);
        for (long row = 0; row < count; row += sources.length) {
            for (int i = 0; i < sources.length; i++) {
                moved.set(HALF, (row + i) * Short.BYTES, numbers.get(HALF, (row + sources[i]) % given * Short.BYTES));
            }
        }
        return moved;
    }

    /** Of each row as many as 128 columns have one together, brought from value by value to 128 slices by 128 slices. */
    private MemorySegment entries(MemorySegment rows) {
        int each = NarrowMatrix.pairColumns(sources.length);
        MemorySegment moved = arena.allocate(rows.byteSize());
        for (long row = 0; row < rows.byteSize() / NarrowMatrix.PAIR_BYTES; row += each) {
            for (int i = 0; i < each; i++) {
                int values = ColumnOrder.TOGETHER;
                long from = row + i / values + (long) (i % values) * (each / values);
                MemorySegment.copy(
                        rows,
                        from * NarrowMatrix.PAIR_BYTES,
                        moved,
                        (row + i) * NarrowMatrix.PAIR_BYTES,
                        NarrowMatrix.PAIR_BYTES);
            }
        }
        return moved;
    }
}
