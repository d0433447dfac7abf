package dev.gatun.quant.solver;

import java.util.Arrays;

/**
 * The second moments &Sigma; x x&#7488; of a matrix's inputs over the tokens of a text: what an error in one column costs, and how far
 * another column can make up for it. Half of the symmetric matrix is kept, 4 bytes for each pair of columns.
 *
 * <p>One thread at a time adds tokens.
 */
public final class Moments {
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
        workers.run(sums.length, i -> {
            for (float[] input : inputs) {
                addProducts(input[i], input, sums[i]);
            }
        });
        tokens += inputs.length;
    }

    private static void addProducts(float factor, float[] input, double[] row) {
        for (int j = 0; j < row.length; j++) {
            row[j] += (double) factor * input[j];
        }
    }

    double get(int i, int j) {
        return i >= j ? sums[i][j] : sums[j][i];
    }
}
