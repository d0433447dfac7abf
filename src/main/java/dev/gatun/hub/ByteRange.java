package dev.gatun.hub;

/**
 * A piece of a file.
 *
 * @param from its first byte
 * @param to the byte after its last one
 */
record ByteRange(long from, long to) {
    ByteRange {
        if (from < 0 || to < from) {
            throw new IllegalArgumentException("range: " + from + " to " + to);
        }
    }

    long length() {
        return to - from;
    }

    /** The value of a {@code Range} header. */
    String header() {
        return "bytes=" + from + "-" + (to - 1);
    }

    /** What {@code Content-Range} must say about this piece of a file of so many bytes. */
    String answer(long size) {
        return "bytes " + from + "-" + (to - 1) + "/" + size;
    }
}
