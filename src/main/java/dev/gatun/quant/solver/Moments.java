package dev.gatun.quant.solver;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The second moments &Sigma; x x&#7488; of a matrix's inputs over the tokens of a text: what an error in one column costs, and how far
 * another column can make up for it. Half of the symmetric matrix is kept, 2 bytes for each pair of columns.
 *
 * <p>One thread at a time adds tokens.
 */
public final class Moments {
    /** Tokens that are summed by themselves. */
    private static final int FEW = 64;

    /** Rows of a task. */
    private static final int ROWS = 64;

    private final float[][] sums;
    private long tokens;

    /** Moments of no tokens yet, for a matrix of so many columns. */
    public Moments(int columns) {
        if (columns <= 0) {
            throw new IllegalArgumentException(columns + " columns: must be positive");
        }
        this.sums = new float[columns][];
        Arrays.setAll(sums, i -> new float[i + 1]);
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
     * @throws IllegalStateException if a solver used the moments up
     */
    public void add(float[][] inputs, Workers workers) {
        if (sums[0] == null) {
            throw new IllegalStateException("moments that a solver used up");
        }
        for (float[] input : inputs) {
            if (input.length != sums.length) {
                throw new IllegalArgumentException(
                        input.length + " inputs of a token, for a matrix of " + sums.length + " columns");
            }
        }
        for (int from = 0; from < inputs.length; from += FEW) {
            float[][] few = Arrays.copyOfRange(inputs, from, Math.min(from + FEW, inputs.length));
            workers.run((sums.length - 1) / ROWS + 1, block -> {
                int begin = block * ROWS;
                addTo(begin, Math.min(begin + ROWS, sums.length), few);
            });
        }
        tokens += inputs.length;
    }

    /** Adds a few tokens to some rows of the sums: what they add up to by themselves first, or small ones would be lost. */
    private void addTo(int begin, int end, float[][] few) {
        float[][] factors =
                IntStream.range(begin, end).mapToObj(i -> column(few, i)).toArray(float[][]::new);
        float[] strip = new float[end];
        for (int from = 0; from < end; from += RowProducts.STRIP) {
            for (int i = Math.max(begin, from); i < end; i++) {
                int to = Math.min(from + RowProducts.STRIP, i + 1);
                Arrays.fill(strip, from, to, 0);
                RowProducts.add(strip, from, to, few, factors[i - begin], 0, few.length);
                add(strip, from, to, sums[i]);
            }
        }
    }

    private static float[] column(float[][] inputs, int i) {
        float[] column = new float[inputs.length];
        for (int token = 0; token < inputs.length; token++) {
            column[token] = inputs[token][i];
        }
        return column;
    }

    private static void add(float[] strip, int from, int to, float[] row) {
        for (int j = from; j < to; j++) {
            row[j] += strip[j];
        }
    }

    /** The moments of a column with the first of some others. */
    float[] symmetric(int column, int[] others, int count) {
        float[] row = new float[count];
        for (int i = 0; i < count; i++) {
            row[i] = get(column, others[i]);
        }
        return row;
    }

    /** Frees what it has of a column with those before it; they can be asked for no more. */
    void release(int column) {
        sums[column] = null;
    }

    float get(int i, int j) {
        return i >= j ? sums[i][j] : sums[j][i];
    }
}
