package dev.gatun.quant.solver;

import java.util.function.DoubleUnaryOperator;

/** How often HQQ moves zeros, and how far: what its rounds have in common wherever they are computed. */
public final class HqqSchedule {
    static final double NORM = 0.7;

    private static final int ROUNDS = 20;
    private static final double BETA = 10;
    private static final double KAPPA = 1.01;

    private HqqSchedule() {}

    /**
     * Makes at most 20 rounds, until the error falls no more.
     *
     * @param round takes beta and moves all zeros of a matrix; returns the {@link #meanError} with those before
     */
    public static void run(DoubleUnaryOperator round) {
        double error = Double.POSITIVE_INFINITY;
        double beta = BETA;
        for (int i = 0; i < ROUNDS; i++) {
            double next = round.applyAsDouble(beta);
            if (!(next < error)) {
                return;
            }
            error = next;
            beta *= KAPPA;
        }
    }

    /** Errors up to this shrink to nothing: |x| - |x|^(p-1) / beta is not positive, however it is rounded. */
    public static float shrinksToZero(double beta) {
        return (float) (Math.pow(beta, -1 / (2 - NORM)) * 0.995);
    }

    /** The error that decides on another round, which is a binary16 as the original's: the mean of a matrix's errors. */
    public static double meanError(double sum, int rows, int columns) {
        return Rounding.half((float) (sum / rows / columns));
    }
}
