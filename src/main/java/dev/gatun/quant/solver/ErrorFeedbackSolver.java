package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;

/**
 * Least squares with second-order error feedback (GPTQ): columns are rounded one after the other, and those that follow make
 * up for what rounding lost, as far as the inputs of a calibration text are correlated. Scale and zero of each group are
 * fitted again to the column as errors left it, with the second level that plain least squares would have.
 *
 * <p>It keeps 2 bytes for each pair of columns in place of the moments, and while it quantizes the whole matrix in float32.
 */
public final class ErrorFeedbackSolver implements Solver {
    /** From this part of a matrix's columns on, as many tokens tell more than they mislead. */
    private static final int ENOUGH = 4;

    private final Feedback feedback;

    private ErrorFeedbackSolver(Feedback feedback) {
        this.feedback = feedback;
    }

    /** A solver for matrices with such inputs; uses the moments up. */
    public static ErrorFeedbackSolver of(Moments moments, Workers workers) {
        return new ErrorFeedbackSolver(Feedback.of(moments, workers));
    }

    /** The best solver for what is known of a matrix's inputs, which it uses up: plain least squares where tokens are too few. */
    public static Solver orLeastSquares(Moments moments, Workers workers) {
        boolean isEnough = moments.tokens() >= moments.columns() / ENOUGH;
        return isEnough ? of(moments, workers) : new LeastSquaresSolver();
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException also if the moments are those of another number of columns
     */
    @Override
    public QuantizedMatrix quantize(String name, DenseMatrix weights, Target target) {
        if (feedback.places() != weights.columns()) {
            throw new IllegalArgumentException(
                    "moments of " + feedback.places() + " columns for `" + name + "`, which has " + weights.columns());
        }
        Problem problem = Problem.of(name, weights, target);
        MatrixParts parts = MatrixParts.fit(target, LeastSquaresSolver.fit(problem));
        PackedCodes packed = new PackedCodes(target, problem.grid());
        sweep(problem, parts, packed);
        return parts.matrix(packed.segment());
    }

    private void sweep(Problem problem, MatrixParts parts, PackedCodes packed) {
        int groupRows = problem.grid().groupRows();
        int rows = rowsOfATask(groupRows, problem.target().workers().threads());
        problem.target().workers().run((groupRows - 1) / rows + 1, task -> {
            int first = task * rows;
            int count = Math.min(rows, groupRows - first);
            new ColumnSweep(problem, feedback, CodeSearch.NEARBY, first, count).run(parts, packed);
        });
    }

    /** Work for every thread, though vectors are not full then. */
    private static int rowsOfATask(int groupRows, int threads) {
        return Math.min(Grid.LANES, (groupRows - 1) / threads + 1);
    }
}
