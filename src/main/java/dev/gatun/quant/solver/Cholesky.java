package dev.gatun.quant.solver;

import java.util.stream.IntStream;

/** Factors a positive definite matrix H = R R&#7488; with R upper triangular, in place and in float32. */
final class Cholesky {
    /** Columns that are factored before the rest hears of them: so many times less memory is read. */
    private static final int PANEL = 64;

    /** Rows that hear of a panel together. */
    private static final int ROWS = 64;

    private Cholesky() {}

    /**
     * Factors a matrix; the result does not depend on how many workers there are.
     *
     * @param rows rows[i] holds H[i, 0] to H[i, i], and then column i of R, R[0, i] to R[i, i]
     * @param least the square of no diagonal element of R is less: a positive bound of the matrix's eigenvalues, which
     *     rounding could fall below
     */
    static void factor(float[][] rows, float least, Workers workers) {
        for (int end = rows.length; end > 0; end -= PANEL) {
            int begin = Math.max(end - PANEL, 0);
            float[][] panel = new float[end - begin][];
            for (int j = end - 1; j >= begin; j--) {
                float[] column = rows[j];
                normalize(column, least);
                panel[end - 1 - j] = column;
                for (int i = begin; i < j; i++) {
                    RowProducts.add(rows[i], 0, i + 1, new float[][] {column}, new float[] {-column[i]}, 0, 1);
                }
            }
            workers.run((begin + ROWS - 1) / ROWS, block -> {
                int from = block * ROWS;
                subtract(panel, rows, from, Math.min(from + ROWS, begin));
            });
        }
    }

    private static void normalize(float[] column, float least) {
        float root = (float) Math.sqrt(Math.max(column[column.length - 1], least));
        for (int i = 0; i < column.length - 1; i++) {
            column[i] /= root;
        }
        column[column.length - 1] = root;
    }

    /** Takes a panel's part out of some rows. */
    private static void subtract(float[][] panel, float[][] rows, int begin, int end) {
        float[][] factors =
                IntStream.range(begin, end).mapToObj(i -> negated(panel, i)).toArray(float[][]::new);
        for (int from = 0; from < end; from += RowProducts.STRIP) {
            for (int i = Math.max(begin, from); i < end; i++) {
                int to = Math.min(from + RowProducts.STRIP, i + 1);
                RowProducts.add(rows[i], from, to, panel, factors[i - begin], 0, panel.length);
            }
        }
    }

    private static float[] negated(float[][] panel, int i) {
        float[] factors = new float[panel.length];
        for (int k = 0; k < factors.length; k++) {
            factors[k] = -panel[k][i];
        }
        return factors;
    }
}
