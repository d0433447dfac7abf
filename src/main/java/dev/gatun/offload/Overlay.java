package dev.gatun.offload;

/**
 * Where pieces of memory lie that are not all in use at the same time. Pieces lie one behind the other, each aligned to 256
 * bytes. A branch begins behind the pieces that are placed when it is made: it never lies over those, but over whatever other
 * branches place, and over what is placed here later.
 *
 * <pre>
 * a piece  | a piece of one branch   | another of it
 *          | a piece of another branch  |
 * </pre>
 */
public final class Overlay {
    private static final long ALIGNMENT = 256;

    private final Extent extent;
    private long end;

    /** Without pieces. */
    public Overlay() {
        this(new Extent(), 0);
    }

    private Overlay(Extent extent, long end) {
        this.extent = extent;
        this.end = end;
    }

    /** How far the furthest piece reaches, of all branches. */
    private static final class Extent {
        private long bytes;
    }

    /** For pieces of which none is in use together with those of other branches, or with what is placed here from now on. */
    public Overlay branch() {
        return new Overlay(extent, end);
    }

    /**
     * Places a piece behind the ones before.
     *
     * @param bytes at least 1
     * @return where it begins, in bytes
     * @throws IllegalArgumentException if there are no bytes
     * @throws ArithmeticException if no memory is so large
     */
    public long place(long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("a piece of " + bytes + " bytes");
        }
        long start = end;
        end = Math.multiplyExact(Math.ceilDiv(Math.addExact(start, bytes), ALIGNMENT), ALIGNMENT);
        extent.bytes = Math.max(extent.bytes, end);
        return start;
    }

    /** Bytes that all pieces take, those of all branches of one another among them. */
    public long bytes() {
        return extent.bytes;
    }
}
