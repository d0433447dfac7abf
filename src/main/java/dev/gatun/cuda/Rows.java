package dev.gatun.cuda;

/**
 * Where rows of equal length lie in a memory: the first at an offset, each other a pitch behind the one before. What lies
 * between them is not theirs. A copy says how long the rows are, and how many.
 *
 * @param offset bytes before the first row
 * @param pitch bytes from the beginning of a row to that of the next, at most 2³¹ - 1
 */
public record Rows(long offset, long pitch) {
    /** The driver's limit, on every device. */
    private static final long LARGEST_PITCH = Integer.MAX_VALUE;

    /** @throws IllegalArgumentException if the offset is negative, or the pitch not from 1 to 2³¹ - 1 */
    public Rows {
        if (offset < 0) {
            throw new IllegalArgumentException("the offset of rows must not be negative: " + offset);
        }
        Check.positive("the pitch of rows", pitch);
        if (pitch > LARGEST_PITCH) {
            throw new IllegalArgumentException("the pitch of rows must be at most " + LARGEST_PITCH + ": " + pitch);
        }
    }

    /** Throws unless {@code count} rows lie in memory of that size, and none reaches into the next. */
    void requireInside(String name, long rowBytes, long count, long size) {
        Check.positive("the bytes of a row", rowBytes);
        Check.positive("the number of rows", count);
        if (rowBytes > pitch) {
            throw new IllegalArgumentException(
                    "rows of " + rowBytes + " bytes do not fit the pitch in " + name + ": " + pitch);
        }
        // Divides: a product could overflow.
        if (rowBytes > size || offset > size - rowBytes || count - 1 > (size - rowBytes - offset) / pitch) {
            throw new IndexOutOfBoundsException(name + " has " + size + " bytes: " + count + " rows of " + rowBytes
                    + " bytes, " + pitch + " apart, from offset " + offset + " are out of bounds");
        }
    }

    /** Bytes from the beginning of the first row to the end of the last. The rows lie inside a memory. */
    long span(long rowBytes, long count) {
        return (count - 1) * pitch + rowBytes;
    }
}
