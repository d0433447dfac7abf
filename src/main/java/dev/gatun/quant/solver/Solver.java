package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;

/** A way to find the codes, scales and zeros of a matrix. Any number of threads may use one at once. */
public interface Solver {
    /**
     * Quantizes a matrix. The result does not depend on how many workers there are.
     *
     * @param name the tensor's name, for messages
     * @param weights [N, K]
     * @param target its scheme must divide the shape
     * @throws QuantizationException if a weight is a NaN or an infinity
     * @throws IllegalArgumentException if the scheme does not divide the matrix
     * @throws ArithmeticException if the matrix has more groups than an array has elements
     */
    QuantizedMatrix quantize(String name, DenseMatrix weights, Target target);

    /** How many matrices are best quantized at once: 1 where the target's workers are all busy with one. */
    default int matricesAtOnce() {
        return 1;
    }
}
