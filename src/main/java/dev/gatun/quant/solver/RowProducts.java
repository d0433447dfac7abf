package dev.gatun.quant.solver;

/**
 * Sums of multiples of rows, which moments, their factors and error feedback are made of. Four rows are taken at once with
 * fused multiply-adds: one store for four of them.
 */
final class RowProducts {
    /** Elements of a row that are taken at a time: with 64 other rows they fit a second-level cache. */
    static final int STRIP = 2048;

    private static final int AT_ONCE = 4;

    private RowProducts() {}

    /**
     * Adds the rows, each times its factor, to a row.
     *
     * @param target the elements [from, to) of it are added to
     * @param from first element
     * @param to end of the elements
     * @param rows each at least {@code to} long
     * @param factors one for each row
     * @param first the first row that is added
     * @param last the row behind the last
     */
    static void add(float[] target, int from, int to, float[][] rows, float[] factors, int first, int last) {
        int row = first;
        for (; row + AT_ONCE <= last; row += AT_ONCE) {
            addFour(target, from, to, rows, factors, row);
        }
        for (; row < last; row++) {
            addOne(target, from, to, rows[row], factors[row]);
        }
    }

    private static void addFour(float[] target, int from, int to, float[][] rows, float[] factors, int row) {
        float[] a = rows[row];
        float[] b = rows[row + 1];
        float[] c = rows[row + 2];
        float[] d = rows[row + 3];
        float first = factors[row];
        float second = factors[row + 1];
        float third = factors[row + 2];
        float fourth = factors[row + 3];
        for (int i = from; i < to; i++) {
            float two = Math.fma(a[i], first, Math.fma(b[i], second, target[i]));
            target[i] = Math.fma(c[i], third, Math.fma(d[i], fourth, two));
        }
    }

    private static void addOne(float[] target, int from, int to, float[] row, float factor) {
        for (int i = from; i < to; i++) {
            target[i] = Math.fma(row[i], factor, target[i]);
        }
    }
}
