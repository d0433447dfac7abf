package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import java.lang.foreign.Arena;

/** A way to find the codes, scales and zeros of a matrix. Solvers hold nothing: any number of threads may use one. */
public sealed interface Solver permits HqqSolver, LeastSquaresSolver, ErrorFeedbackSolver {
    /**
     * Quantizes a matrix. The result depends on the weights and the scheme alone, not on how many workers there are.
     *
     * @param name the tensor's name, for messages
     * @param weights [N, K]
     * @param scheme must divide the shape
     * @param bits bits of a code that are used, 1 to those of the scheme: 3 of 4 for codes that are stored in 3 later
     * @param arena where the result's segments are allocated; it must let several threads use them
     * @param workers the threads that do it
     * @throws QuantizationException if a weight is a NaN or an infinity
     * @throws IllegalArgumentException if the scheme does not divide the matrix, or has no such bits
     * @throws ArithmeticException if the matrix has more groups than an array has elements
     */
    QuantizedMatrix quantize(
            String name, DenseMatrix weights, QuantizationScheme scheme, int bits, Arena arena, Workers workers);

    /** Quantizes a matrix with all bits of the scheme; see above. */
    default QuantizedMatrix quantize(
            String name, DenseMatrix weights, QuantizationScheme scheme, Arena arena, Workers workers) {
        return quantize(name, weights, scheme, scheme.bits(), arena, workers);
    }
}
