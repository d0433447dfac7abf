package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;
import java.util.Arrays;

/**
 * Half-Quadratic Quantization (Badri and Shaji, 2023) as version 0.1.1 of the original library does it, in float32: scales
 * come from the range of a group, and zeros minimize the p-norm, p = 0.7, of the error, in at most 20 rounds that all groups
 * of a matrix make together until the mean error falls no more. A second level of 8 bits is laid over that as it is; where it
 * has 4 bits, codes are rounded again.
 */
public record HqqSolver() implements Solver {
    @Override
    public QuantizedMatrix quantize(String name, DenseMatrix weights, Target target) {
        Problem problem = Problem.of(name, weights, target);
        GroupFits fits = begin(problem);
        HqqSchedule.run(beta -> improve(problem, fits, beta));
        return problem.encode(fits, HqqSchedule.search(target.scheme()));
    }

    private static GroupFits begin(Problem problem) {
        GroupFits fits = new GroupFits(problem.grid());
        problem.forEachBlock(() -> {
            float[] scales = new float[Grid.LANES];
            float[] zeros = new float[Grid.LANES];
            return (groupRow, block, weights) -> {
                HqqRounds.begin(weights, problem.target().top(), scales, zeros);
                fits.write(groupRow, block, scales, zeros);
            };
        });
        return fits;
    }

    /** Moves all zeros; returns the sum of the errors' magnitudes with those before. */
    private static double improve(Problem problem, GroupFits fits, double beta) {
        double[] errors = new double[problem.grid().groupRows()];
        problem.forEachBlock(() -> {
            HqqRounds rounds = new HqqRounds(problem.target().top(), beta);
            float[] scales = new float[Grid.LANES];
            float[] zeros = new float[Grid.LANES];
            return (groupRow, block, weights) -> {
                Arrays.fill(scales, 1);
                fits.read(groupRow, block, scales, zeros);
                errors[groupRow] += rounds.improve(weights, problem.grid().width(block), scales, zeros);
                fits.write(groupRow, block, scales, zeros);
            };
        });
        // In order, whatever the threads did.
        return Arrays.stream(errors).sum();
    }
}
