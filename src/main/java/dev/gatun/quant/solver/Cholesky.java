package dev.gatun.quant.solver;

/** Factors a positive definite matrix H = R R&#7488; with R upper triangular, in place. */
final class Cholesky {
    /** Columns that are factored before the rest hears of them: so many times less memory is read. */
    private static final int PANEL = 32;

    private Cholesky() {}

    /**
     * Factors a matrix; the result does not depend on how many workers there are.
     *
     * @param rows rows[i] holds H[i, 0] to H[i, i], and then column i of R, R[0, i] to R[i, i]
     */
    static void factor(double[][] rows, Workers workers) {
        for (int rest = rows.length; rest > 0; rest -= PANEL) {
            int end = rest;
            int begin = Math.max(end - PANEL, 0);
            for (int j = end - 1; j >= begin; j--) {
                normalize(rows[j]);
                for (int i = begin; i < j; i++) {
                    subtract(rows[j], i, rows[i]);
                }
            }
            workers.run(begin, i -> {
                for (int j = end - 1; j >= begin; j--) {
                    subtract(rows[j], i, rows[i]);
                }
            });
        }
    }

    private static void normalize(double[] column) {
        double root = Math.sqrt(column[column.length - 1]);
        for (int i = 0; i < column.length; i++) {
            column[i] /= root;
        }
    }

    /** Takes a column's part out of row i. */
    private static void subtract(double[] column, int i, double[] row) {
        double factor = column[i];
        for (int j = 0; j <= i; j++) {
            row[j] -= factor * column[j];
        }
    }
}
