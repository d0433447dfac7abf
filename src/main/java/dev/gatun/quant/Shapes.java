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

    static void requireGroups(int bits, int groupSize) {
        if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
            throw new IllegalArgumentException("codes of " + bits + " bits: 2, 3, 4 or 8 are supported");
        }
        // All fields of a byte share their group, whichever plane it is of.
        int fields =
                CodePlane.of(bits).stream().mapToInt(CodePlane::fields).max().orElseThrow();
        if (groupSize <= 0 || groupSize % fields != 0) {
            throw new IllegalArgumentException("groups of " + groupSize + ": not a multiple of " + fields);
        }
    }

    static void requireDivided(QuantizationScheme scheme, int rows, int columns) {
        requirePositive(rows, columns);
        if (!scheme.divides(rows, columns)) {
            throw new IllegalArgumentException(scheme + " does not divide a matrix of " + rows + " x " + columns);
        }
    }

    static void requireBytes(String field, MemorySegment segment, long expected) {
        if (segment.byteSize() != expected) {
            throw new IllegalArgumentException(
                    field + " has " + segment.byteSize() + " bytes; its shape needs " + expected);
        }
    }
}
