package dev.gatun.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Activations: float32 values [rows (tokens), columns] outside the Java heap. Element (row, column) lies at row &middot;
 * ld + column, so that a view of some rows or columns needs no copy.
 *
 * <p>The memory belongs to the arena it came from; using the matrix after that was closed throws
 * {@link IllegalStateException}.
 *
 * @param segment the memory from the first to the last element, at a multiple of 4 bytes
 * @param rows tokens, positive
 * @param columns values of a token, positive
 * @param ld elements from one row to the next, at least {@code columns}
 */
public record FloatMatrix(MemorySegment segment, int rows, int columns, int ld) {
    // A cache line, and the widest vector.
    private static final long ALIGNMENT = 64;

    public FloatMatrix {
        Arguments.requirePositive("rows", rows);
        Arguments.requirePositive("columns", columns);
        Arguments.requireAtMost("columns", columns, "ld", ld);
        long bytes = ((rows - 1L) * ld + columns) * Float.BYTES;
        Arguments.requireAtMost("the size of a matrix", bytes, "that of its memory", segment.byteSize());
        segment = segment.asSlice(0, bytes);
        Arguments.requireNative("a matrix", segment, bytes);
        Arguments.requireAligned("a matrix", segment);
    }

    /** Allocates a matrix of zeros at a multiple of 64 bytes, without space between its rows. */
    public static FloatMatrix allocate(Arena arena, int rows, int columns) {
        Arguments.requirePositive("rows", rows);
        Arguments.requirePositive("columns", columns);
        return of(arena.allocate((long) rows * columns * Float.BYTES, ALIGNMENT), rows, columns, columns);
    }

    /** Views the start of a segment as a matrix; the segment may be longer. */
    public static FloatMatrix of(MemorySegment segment, int rows, int columns, int ld) {
        return new FloatMatrix(segment, rows, columns, ld);
    }

    /** Views {@code count} rows from row {@code from}. */
    public FloatMatrix rows(int from, int count) {
        Objects.checkFromIndexSize(from, count, rows);
        return new FloatMatrix(segment.asSlice((long) from * ld * Float.BYTES), count, columns, ld);
    }

    /** Views {@code count} columns from column {@code from}. */
    public FloatMatrix columns(int from, int count) {
        Objects.checkFromIndexSize(from, count, columns);
        return new FloatMatrix(segment.asSlice((long) from * Float.BYTES), rows, count, ld);
    }

    /** Reads an element. */
    public float get(int row, int column) {
        return segment.getAtIndex(ValueLayout.JAVA_FLOAT, index(row, column));
    }

    /** Writes an element. */
    public void set(int row, int column, float value) {
        segment.setAtIndex(ValueLayout.JAVA_FLOAT, index(row, column), value);
    }

    private long index(int row, int column) {
        return (long) Objects.checkIndex(row, rows) * ld + Objects.checkIndex(column, columns);
    }

    /** Writes all elements from an array in row-major order. */
    public void copyFrom(float[] values) {
        Arguments.requireEqual("the number of values", values.length, "that of elements", (long) rows * columns);
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(values, row * columns, segment, ValueLayout.JAVA_FLOAT, offset(row), columns);
        }
    }

    /** Reads all elements in row-major order. */
    public float[] toArray() {
        float[] values = new float[Math.multiplyExact(rows, columns)];
        copyTo(values);
        return values;
    }

    /** Reads all elements in row-major order into an array of just as many. */
    public void copyTo(float[] values) {
        Arguments.requireEqual("the number of values", values.length, "that of elements", (long) rows * columns);
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(segment, ValueLayout.JAVA_FLOAT, offset(row), values, row * columns, columns);
        }
    }

    /** Writes a value to all elements. */
    public void fill(float value) {
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                set(row, column, value);
            }
        }
    }

    private long offset(int row) {
        return (long) row * ld * Float.BYTES;
    }

    /** Whether both are the same elements in the same places. */
    boolean isSameAs(FloatMatrix other) {
        return segment.address() == other.segment.address()
                && rows == other.rows
                && columns == other.columns
                && ld == other.ld;
    }

    /**
     * Whether the two share an element. Columns side by side in one wider matrix do not; matrices of different
     * {@code ld} count as sharing one when their memory is interleaved at all.
     */
    boolean overlaps(FloatMatrix other) {
        if (segment.address() > other.segment.address()) {
            return other.overlaps(this);
        }
        long distance = (other.segment.address() - segment.address()) / Float.BYTES;
        if (distance >= (rows - 1L) * ld + columns) {
            return false;
        }
        if (ld != other.ld) {
            return true;
        }
        // Row i of the other starts `column` elements behind the start of our row i + row.
        long row = distance / ld;
        long column = distance % ld;
        boolean inItsFirstRow = row < rows && column < columns;
        boolean inTheNextRow = row + 1 < rows && column + other.columns > ld;
        return inItsFirstRow || inTheNextRow;
    }

    /** Whether rows of the two, as wide as each other, are the same or share no element. */
    boolean isInTheRowsOf(FloatMatrix other) {
        long stride = (long) (rows > 1 ? ld : other.ld) * Float.BYTES;
        boolean isStrideOfBoth = rows == 1 || other.rows == 1 || ld == other.ld;
        return isStrideOfBoth && (segment.address() - other.segment.address()) % stride == 0;
    }

    /** Throws unless this can be read now, by this thread. */
    void requireReadable(String name) {
        Liveness.require(name, segment);
    }

    /** Throws unless this can be written now, by this thread. */
    void requireWritable(String name) {
        Arguments.requireWritable(name, segment);
        Liveness.require(name, segment);
    }
}
