package dev.gatun.quant.solver;

import java.util.Arrays;

/**
 * The second moments &Sigma; x x&#7488; of a matrix's inputs over the tokens of a text: what an error in one column costs, and how far
 * another column can make up for it. Half of the symmetric matrix is kept, 4 bytes for each pair of columns.
 *
 * <p>One thread at a time adds tokens.
 */
public final class Moments {
    /** Tokens that are summed in float32. */
    private static final int FEW = 64;

    private final double[][] sums;
    private long tokens;

    /** Moments of no tokens yet, for a matrix of so many columns. */
    public Moments(int columns) {
        if (columns <= 0) {
            throw new IllegalArgumentException(columns + " columns: must be positive");
        }
        this.sums = new double[columns][];
        Arrays.setAll(sums, i -> new double[i + 1]);
    }

    /** Inputs of the matrix. */
    public int columns() {
        return sums.length;
    }

    /** Tokens added so far. */
    public long tokens() {
        return tokens;
    }

    /**
     * Adds the inputs of some tokens. The sums do not depend on how many workers there are.
     *
     * @param inputs [tokens][columns], finite
     * @throws IllegalArgumentException if a token has another number of inputs
     */
    public void add(float[][] inputs, Workers workers) {
        for (float[] input : inputs) {
            if (input.length != sums.length) {
                throw new IllegalArgumentException(
                        input.length + " inputs of a token, for a matrix of " + sums.length + " columns");
            }
        }
        workers.run(sums.length, i -> addRow(inputs, i));
        tokens += inputs.length;
    }

    /** Some tokens at a time in float32, which vectors take more of. */
    private void addRow(float[][] inputs, int i) {
        float[] few = new float[i + 1];
        for (int from = 0; from < inputs.length; from += FEW) {
            Arrays.fill(few, 0);
            int to = Math.min(from + FEW, inputs.length);
            int token = from;
            for (; token + 4 <= to; token += 4) {
                addProducts(i, inputs[token], inputs[token + 1], inputs[token + 2], inputs[token + 3], few);
            }
            for (; token < to; token++) {
                addProducts(i, inputs[token], few);
            }
            addTo(sums[i], few);
        }
    }

    private static void addProducts(int i, float[] a, float[] b, float[] c, float[] d, float[] row) {
        float first = a[i];
        float second = b[i];
        float third = c[i];
        float fourth = d[i];
        for (int j = 0; j < row.length; j++) {
            row[j] += first * a[j] + second * b[j] + third * c[j] + fourth * d[j];
        }
    }

    private static void addProducts(int i, float[] input, float[] row) {
        float factor = input[i];
        for (int j = 0; j < row.length; j++) {
            row[j] += factor * input[j];
        }
    }

    private static void addTo(double[] row, float[] few) {
        for (int j = 0; j < row.length; j++) {
            row[j] += few[j];
        }
    }

    double get(int i, int j) {
        return i >= j ? sums[i][j] : sums[j][i];
    }
}
