package dev.gatun.checkpoint;

/**
 * What someone says of how HQQ stored matrices. Plain numbers, to be compared with those of elements: a scheme that Gatun writes
 * ({@link dev.gatun.quant.HqqScheme}) may ask for more of them than one that it reads.
 *
 * @param bits bits of a code: 2, 3, 4 or 8
 * @param groupSize rows that share a scale and a zero
 * @param scaleGroup groups that share a second-level scale and zero of their scales
 */
public record StatedScheme(int bits, int groupSize, int scaleGroup) {
    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if no matrix has such
     */
    public StatedScheme {
        if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
            throw new IllegalArgumentException("codes of " + bits + " bits: 2, 3, 4 or 8 are supported");
        }
        requirePositive("groups", groupSize);
        requirePositive("scale groups", scaleGroup);
    }

    private static void requirePositive(String what, int size) {
        if (size <= 0) {
            throw new IllegalArgumentException(what + " of " + size + ": must be positive");
        }
    }

    @Override
    public String toString() {
        return bits + "/" + groupSize + "/" + scaleGroup;
    }
}
