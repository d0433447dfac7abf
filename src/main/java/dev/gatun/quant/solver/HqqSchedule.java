package dev.gatun.quant.solver;

import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
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
     * @param round takes beta and moves all zeros of a matrix; returns the sum of the errors' magnitudes with those before
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

    /** Errors up to this shrink to nothing: |x| - |x|^(p-1) / beta is not positive. */
    public static float shrinksToZero(double beta) {
        return (float) (Math.pow(beta, -1 / (2 - NORM)) * 0.9999);
    }

    /** How codes are chosen afterwards. */
    public static CodeSearch search(QuantizationScheme scheme) {
        return switch (scheme) {
            case HqqScheme wide -> CodeSearch.NONE;
            case NarrowScheme narrow -> CodeSearch.ROUND_AGAIN;
        };
    }
}
