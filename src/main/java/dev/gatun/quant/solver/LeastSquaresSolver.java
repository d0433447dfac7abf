package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;

/**
 * Minimizes the squared error of each group, first by itself ({@link LeastSquaresFit}) and again when the second level is
 * there ({@link CodeChoice}).
 */
public record LeastSquaresSolver() implements Solver {
    /** Beyond this the error falls by a thousandth, and perplexity not at all. */
    private static final CodeChoice.Search SEARCH = new CodeChoice.Search(2, 1, 2, true);

    @Override
    public QuantizedMatrix quantize(String name, DenseMatrix weights, Target target) {
        Problem problem = Problem.of(name, weights, target);
        return problem.encode(fit(problem), SEARCH);
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
