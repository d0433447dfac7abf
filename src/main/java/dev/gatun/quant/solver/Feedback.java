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

    private final int[] order;
    private final float[][] factors;

    private Feedback(int[] order, float[][] factors) {
        this.order = order;
        this.factors = factors;
    }

    /** Puts the columns in the order of falling energy: those that matter most are rounded while all others can still help. */
    static Feedback of(Moments moments, Workers workers) {
        int[] order = IntStream.range(0, moments.columns())
                .boxed()
                .sorted(Comparator.comparingDouble(column -> -moments.get(column, column)))
                .mapToInt(Integer::intValue)
                .toArray();
        double[][] rows = damped(moments, order);
        Cholesky.factor(rows, workers);
        return new Feedback(
                order,
                IntStream.range(0, rows.length)
                        .mapToObj(k -> unitColumn(rows[k]))
                        .toArray(float[][]::new));
    }

    private static double[][] damped(Moments moments, int[] order) {
        double energy = IntStream.range(0, order.length)
                .mapToDouble(i -> moments.get(i, i))
                .average()
                .orElseThrow();
        double damping = energy > 0 ? DAMPING * energy : 1;
        double[][] rows = new double[order.length][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = new double[i + 1];
            for (int j = 0; j <= i; j++) {
                rows[i][j] = moments.get(order[i], order[j]);
            }
            rows[i][i] += damping;
        }
        return rows;
    }

    /** A column of U + I from one of (U + I) &radic;D, without the diagonal. */
    private static float[] unitColumn(double[] column) {
        float[] unit = new float[column.length - 1];
        for (int j = 0; j < unit.length; j++) {
            unit[j] = (float) (column[j] / column[unit.length]);
        }
        return unit;
    }

    /** Columns. */
    int places() {
        return order.length;
    }

    /** The column at a place. */
    int column(int place) {
        return order[place];
    }

    /** U[j, place] for every place j before this one. */
    float[] factors(int place) {
        return factors[place];
    }
}
