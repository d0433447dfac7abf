package dev.gatun.quant.solver;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * How columns make up for the errors of those before them. With the moments H = (U + I) D (U + I)&#7488; in the order of the
 * columns, U strictly upper triangular and D diagonal, the column at place k is rounded after &Sigma; over j &lt; k of
 * error[j] &middot; U[j, k] was added to it, where error[j] is what the rounded column at place j lacks. That is GPTQ (Frantar
 * et al., 2022) in the form of LDLQ (Chee et al., 2023), which needs no inverse.
 */
final class Feedback {
    /** This part of the mean energy is added to each column's: directions that the text did not show count a little too. */
    private static final double DAMPING = 0.01;

    /** Rows that are put in order at once. */
    private static final int ROWS = 256;

    private final int[] order;
    private final float[][] factors;

    private Feedback(int[] order, float[][] factors) {
        this.order = order;
        this.factors = factors;
    }

    /**
     * Uses the moments up. Puts the columns in the order of falling energy: those that matter most are rounded while all others
     * can still help.
     */
    static Feedback of(Moments moments, Workers workers) {
        int[] order = IntStream.range(0, moments.columns())
                .boxed()
                .sorted(Comparator.comparingDouble(column -> -moments.get(column, column)))
                .mapToInt(Integer::intValue)
                .toArray();
        double damping = damping(moments);
        float[][] rows = damped(moments, order, damping, workers);
        Cholesky.factor(rows, (float) damping, workers);
        workers.run(rows.length, i -> toUnits(rows[i]));
        return new Feedback(order, rows);
    }

    private static double damping(Moments moments) {
        double energy = IntStream.range(0, moments.columns())
                .mapToDouble(i -> moments.get(i, i))
                .average()
                .orElseThrow();
        return energy > 0 ? DAMPING * energy : 1;
    }

    private static float[][] damped(Moments moments, int[] order, double damping, Workers workers) {
        float[][] rows = new float[order.length][];
        // From the longest on, so that moments can be let go of with the rows that they became.
        for (int end = rows.length; end > 0; end -= ROWS) {
            int begin = Math.max(end - ROWS, 0);
            int last = end - 1;
            workers.run(end - begin, task -> {
                int i = last - task;
                rows[i] = moments.symmetric(order[i], order, i + 1);
                rows[i][i] += (float) damping;
            });
            for (int i = begin; i < end; i++) {
                moments.release(order[i]);
            }
        }
        return rows;
    }

    /** A column of U + I from one of (U + I) &radic;D. */
    private static void toUnits(float[] column) {
        float last = column[column.length - 1];
        for (int j = 0; j < column.length; j++) {
            column[j] /= last;
        }
    }

    /** Columns. */
    int places() {
        return order.length;
    }

    /** The column at a place. */
    int column(int place) {
        return order[place];
    }

    /** U[j, place] for every place j before this one; what stands behind them means nothing. */
    float[] factors(int place) {
        return factors[place];
    }
}
