package dev.gatun.quant;

import java.lang.foreign.MemorySegment;

/** The checks that every matrix record makes before native code can see its segments. */
final class Shapes {
    private Shapes() {}

    static void requirePositive(int rows, int columns) {
        if (rows <= 0 || columns <= 0) {
            throw new IllegalArgumentException("matrix of " + rows + " x " + columns + ": both must be positive");
        }
    }

    static void requireBytes(String field, MemorySegment segment, long expected) {
        if (segment.byteSize() != expected) {
            throw new IllegalArgumentException(
                    field + " has " + segment.byteSize() + " bytes; its shape needs " + expected);
        }
    }
}
