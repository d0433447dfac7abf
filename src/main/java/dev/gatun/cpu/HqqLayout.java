package dev.gatun.cpu;

/**
 * How a matrix quantized by HQQ (Half-Quadratic Quantization, Badri and Shaji, 2023) along its rows is laid out.
 *
 * @param bits bits of a code: 2, 4 or 8
 * @param groupSize rows that share one scale and zero; a multiple of the codes in a byte
 * @param scaleGroup groups that share one second-level scale and zero of the scales
 */
public record HqqLayout(int bits, int groupSize, int scaleGroup) {
    public HqqLayout {
        if (bits != 2 && bits != 4 && bits != 8) {
            throw new IllegalArgumentException("bits must be 2, 4 or 8: " + bits);
        }
        Arguments.requirePositive("groupSize", groupSize);
        Arguments.requireMultiple("groupSize", groupSize, "the codes in a byte", 8 / bits);
        Arguments.requirePositive("scaleGroup", scaleGroup);
    }

    /** The groups of a matrix, which they must divide: each has a scale code and a zero code. */
    long groups(int rows, int columns) {
        Arguments.requireMultiple("rows", rows, "groupSize", groupSize);
        return (long) rows / groupSize * columns;
    }

    /** The second-level pairs of a matrix, which they must divide. */
    long pairs(int rows, int columns) {
        long groups = groups(rows, columns);
        Arguments.requireMultiple("the number of groups", groups, "scaleGroup", scaleGroup);
        return groups / scaleGroup;
    }
}
