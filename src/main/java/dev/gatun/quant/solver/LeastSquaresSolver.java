package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;

/**
 * Minimizes the squared error of each group, first by itself ({@link LeastSquaresFit}) and again when the second level is
 * there ({@link CodeChoice}).
 */
public record LeastSquaresSolver() implements Solver {
    @Override
    public QuantizedMatrix quantize(String name, DenseMatrix weights, Target target) {
        Problem problem = Problem.of(name, weights, target);
        return problem.encode(fit(problem), CodeSearch.NEARBY);
    }

    static GroupFits fit(Problem problem) {
        GroupFits fits = new GroupFits(problem.grid());
        problem.forEachBlock(() -> {
            LeastSquaresFit fit = new LeastSquaresFit(
                    problem.grid().groupSize(), Grid.LANES, problem.target().top());
            float[] scales = new float[Grid.LANES];
            float[] zeros = new float[Grid.LANES];
            return (groupRow, block, weights) -> {
                fit.fit(weights, scales, zeros);
                fits.write(groupRow, block, scales, zeros);
            };
        });
        return fits;
    }
}
