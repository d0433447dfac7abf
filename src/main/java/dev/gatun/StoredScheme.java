package dev.gatun;

import dev.gatun.checkpoint.StatedScheme;

/**
 * How the HQQ library stored matrices, in checkpoints whose files do not tell: see {@link ModelSource#withExpertScheme}. The
 * published checkpoint's are 4/64/256 for attention and 2/16/128 for experts.
 *
 * @param bits bits of a code: 2, 3, 4 or 8
 * @param groupSize rows that share a scale and a zero
 * @param scaleGroup groups that share a second-level scale and zero of their scales
 */
public record StoredScheme(int bits, int groupSize, int scaleGroup) {
    /**
     * Checks the scheme.
     *
     * @throws GatunException if no matrix has such numbers
     */
    public StoredScheme {
        stated(bits, groupSize, scaleGroup);
    }

    /** The same for checkpoints. */
    StatedScheme stated() {
        return stated(bits, groupSize, scaleGroup);
    }

    private static StatedScheme stated(int bits, int groupSize, int scaleGroup) {
        try {
            return new StatedScheme(bits, groupSize, scaleGroup);
        } catch (IllegalArgumentException impossible) {
            throw new GatunException("scheme: " + impossible.getMessage(), impossible);
        }
    }

    @Override
    public String toString() {
        return stated().toString();
    }
}
