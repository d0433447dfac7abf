package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizationScheme;
import java.lang.foreign.Arena;

/**
 * What matrices become, and who makes them that.
 *
 * @param scheme how they lie in memory
 * @param bits bits of a code that are used, 1 to those of the scheme: 3 of 4 for codes that are stored in 3 later
 * @param arena where results' segments are allocated; it must let several threads use them
 * @param workers the threads that do it
 */
public record Target(QuantizationScheme scheme, int bits, Arena arena, Workers workers) {
    public Target {
        if (bits < 1 || bits > scheme.bits()) {
            throw new IllegalArgumentException("codes of " + bits + " bits in " + scheme);
        }
    }

    /** With all bits of the scheme. */
    public static Target of(QuantizationScheme scheme, Arena arena, Workers workers) {
        return new Target(scheme, scheme.bits(), arena, workers);
    }

    /**
     * Checks that the scheme divides a matrix.
     *
     * @param name the tensor's, for the message
     * @throws IllegalArgumentException if it does not
     */
    public void requireDivides(String name, DenseMatrix weights) {
        if (!scheme.divides(weights.rows(), weights.columns())) {
            throw new IllegalArgumentException(scheme + " does not divide `" + name + "`, a matrix of " + weights.rows()
                    + " x " + weights.columns());
        }
    }

    /** The largest code of a weight. */
    int top() {
        return (1 << bits) - 1;
    }
}
