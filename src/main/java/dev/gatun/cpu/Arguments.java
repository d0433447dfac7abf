package dev.gatun.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** The checks that stand between a caller and native code; each names what is wrong and both of the values. */
final class Arguments {
    private Arguments() {}

    static void requirePositive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + value);
        }
    }

    static void requireNotNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must not be negative: " + value);
        }
    }

    static void requireEqual(String name, long value, String otherName, long other) {
        if (value != other) {
            throw new IllegalArgumentException(name + " must equal " + otherName + ", " + other + ": " + value);
        }
    }

    static void requireMultiple(String name, long value, String unitName, long unit) {
        if (value % unit != 0) {
            throw new IllegalArgumentException(
                    name + " must be a multiple of " + unitName + ", " + unit + ": " + value);
        }
    }

    static void requireAtMost(String name, long value, String limitName, long limit) {
        if (value > limit) {
            throw new IllegalArgumentException(name + " must not exceed " + limitName + ", " + limit + ": " + value);
        }
    }

    /** Memory outside the heap, in exactly this size, at any alignment. */
    static void requireNative(String name, MemorySegment segment, long bytes) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException(name + " lies on the Java heap: native code needs an arena's memory");
        }
        if (segment.byteSize() != bytes) {
            throw new IllegalArgumentException(
                    name + " must have " + bytes + " bytes for its shape: " + segment.byteSize());
        }
    }

    /** Memory for 4-byte values that can be used now. */
    static void requireWords(String name, MemorySegment segment, long count) {
        requireNative(name, segment, count * Integer.BYTES);
        requireAligned(name, segment);
        Liveness.require(name, segment);
    }

    static void requireAligned(String name, MemorySegment segment) {
        if (segment.address() % Float.BYTES != 0) {
            throw new IllegalArgumentException(name + " must start at a multiple of 4 bytes: " + segment.address());
        }
    }

    static void requireWritable(String name, MemorySegment segment) {
        if (segment.isReadOnly()) {
            throw new IllegalArgumentException(name + " is an output, but its memory is read-only");
        }
    }

    static void requireDisjoint(String name, FloatMatrix matrix, String otherName, FloatMatrix other) {
        if (matrix.overlaps(other)) {
            throw new IllegalArgumentException(name + " and " + otherName + " overlap");
        }
    }

    static void requireDisjoint(String name, MemorySegment segment, String otherName, MemorySegment other) {
        if (segment.asOverlappingSlice(other).isPresent()) {
            throw new IllegalArgumentException(name + " and " + otherName + " overlap");
        }
    }

    /** Outputs are written while all inputs are read: they must lie apart from those and from each other. */
    static void requireDisjoint(List<Product> products) {
        for (int i = 0; i < products.size(); i++) {
            for (int j = 0; j < products.size(); j++) {
                requireDisjoint(
                        "y of product " + i,
                        products.get(i).y(),
                        "x of product " + j,
                        products.get(j).x());
                if (j < i) {
                    requireDisjoint(
                            "y of product " + i,
                            products.get(i).y(),
                            "y of product " + j,
                            products.get(j).y());
                }
            }
        }
    }
}
