package dev.gatun.quant;

import java.util.List;

/** A way to store a matrix in few bits: codes in groups that run down the rows, each with a scale and a zero. */
public sealed interface QuantizationScheme permits HqqScheme, NarrowScheme {
    /** Bits of a code: 2, 3, 4 or 8. */
    int bits();

    /** Rows that share one scale and zero. */
    int groupSize();

    /** How codes are packed. */
    default List<CodePlane> planes() {
        return CodePlane.of(bits());
    }

    /** Whether a matrix of this shape divides into whole groups, and into whatever else the scheme needs. */
    boolean divides(int rows, int columns);
}
