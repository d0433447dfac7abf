package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import java.lang.foreign.Arena;

/**
 * Least squares with second-order error feedback (GPTQ): columns are rounded one after the other, and those that follow make
 * up for what rounding lost, as far as the inputs of a calibration text are correlated. Scale and zero of each group are
 * fitted again to the column as errors left it. The second level comes from a first sweep over all columns, whose
 * scales and zeros are those of columns that errors have moved.
 *
 * <p>It keeps the whole matrix in float32, and 12 bytes for each pair of columns.
 *
 * @param moments of the matrix's inputs; not added to meanwhile
 */
public record ErrorFeedbackSolver(Moments moments) implements Solver {
    private static final CodeChoice.Search SEARCH = new CodeChoice.Search(2, 1, 2, true);
    private static final int SWEEPS = 2;

    /** From this part of a matrix's columns on, as many tokens tell more than they mislead. */
    private static final int ENOUGH = 4;

    /** The best solver for what is known of a matrix's inputs: plain least squares where tokens are too few. */
    public static Solver orLeastSquares(Moments moments) {
        boolean isEnough = moments.tokens() >= moments.columns() / ENOUGH;
        return isEnough ? new ErrorFeedbackSolver(moments) : new LeastSquaresSolver();
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException also if the moments are those of another number of columns
     */
    @Override
    public QuantizedMatrix quantize(
            String name, DenseMatrix weights, QuantizationScheme scheme, Arena arena, Workers workers) {
        if (moments.columns() != weights.columns()) {
            throw new IllegalArgumentException(
                    "moments of " + moments.columns() + " columns for `" + name + "`, which has " + weights.columns());
        }
        Problem problem = Problem.of(name, weights, scheme, workers);
        Feedback feedback = Feedback.of(moments, workers);
        GroupFits fits = LeastSquaresSolver.fit(problem);
        for (int sweep = 1; sweep < SWEEPS; sweep++) {
            try (Arena scratch = Arena.ofShared()) {
                sweep(problem, feedback, fits, scratch);
            }
        }
        return sweep(problem, feedback, fits, arena);
    }

    /** Rounds all columns with a second level for these fits; leaves the fits of the columns as errors left them. */
    private static QuantizedMatrix sweep(Problem problem, Feedback feedback, GroupFits fits, Arena arena) {
        MatrixParts parts = MatrixParts.fit(problem.scheme(), fits, arena, problem.workers());
        PackedCodes packed = new PackedCodes(problem.scheme(), problem.grid(), arena);
        int groupRows = problem.grid().groupRows();
        int rows = rowsOfATask(groupRows, problem.workers().threads());
        problem.workers().run((groupRows - 1) / rows + 1, task -> {
            int first = task * rows;
            int count = Math.min(rows, groupRows - first);
            new ColumnSweep(problem, feedback, SEARCH, first, count).run(parts, packed, fits);
        });
        return parts.matrix(packed.segment());
    }

    /** Work for every thread, though vectors are not full then. */
    private static int rowsOfATask(int groupRows, int threads) {
        return Math.min(Grid.LANES, (groupRows - 1) / threads + 1);
    }
}
