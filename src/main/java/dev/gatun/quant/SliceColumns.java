package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Brings the columns of an HQQ matrix into the order of slices, and back. What belongs to a column moves with it; second-level
 * pairs are repeated until they are those of whole rows first.
 */
final class SliceColumns {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;

    /** Which column comes to each place. */
    private final int[] sources;

    private final Arena arena;

    private SliceColumns(int columns, Arena arena) {
        this.sources = new int[columns];
        this.arena = arena;
    }

    /** The matrix with its columns in the order of slices. */
    static HqqMatrix of(HqqMatrix matrix, Arena arena) {
        SliceColumns moved = new SliceColumns(matrix.columns(), arena);
        for (int column = 0; column < matrix.columns(); column++) {
            moved.sources[ColumnOrder.SLICES.placeOf(column, matrix.columns())] = column;
        }
        return moved.move(matrix);
    }

    /** Undoes {@link #of}, but for pairs that were repeated. */
    static HqqMatrix undo(HqqMatrix matrix, Arena arena) {
        SliceColumns moved = new SliceColumns(matrix.columns(), arena);
        for (int column = 0; column < matrix.columns(); column++) {
            moved.sources[column] = ColumnOrder.SLICES.placeOf(column, matrix.columns());
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
}
