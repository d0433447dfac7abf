package dev.gatun.engine;

import java.util.Arrays;

/** How unlikely a model finds the tokens of a window, as perplexity wants it; sums in double. */
public final class WindowScorer {
    /** Rows of logits at once, and the most values of them. */
    private static final int ROWS = 256;

    private static final int VALUES = 1 << 26;

    private final Pass pass;
    private final int vocabulary;

    /** The forward pass of one sequence, which begins empty. */
    @FunctionalInterface
    public interface Pass {
        /**
         * Appends a chunk.
         *
         * @param rows how many of its last tokens logits are wanted for, at least 1
         * @return rows &middot; vocabulary logits
         */
        float[] logits(int[] chunk, int rows);
    }

    /**
     * Makes a scorer for one window.
     *
     * @param pass has room for all tokens of the window but the last
     * @param vocabulary logits of a token
     */
    public WindowScorer(Pass pass, int vocabulary) {
        this.pass = pass;
        this.vocabulary = vocabulary;
    }

    /** &minus;ln p of each scored token, in order; not finite where the logits are not. */
    public double[] score(TextWindow window) {
        int[] tokens = window.tokens();
        double[] scores = new double[window.scored()];
        int rows = Math.clamp(VALUES / vocabulary, 1, ROWS);
        for (int from = 0; from < tokens.length - 1; from += rows) {
            score(tokens, window.firstScored(), from, Math.min(from + rows, tokens.length - 1), scores);
        }
        return scores;
    }

    private void score(int[] tokens, int firstScored, int from, int to, double[] scores) {
        int first = Math.max(from, firstScored - 1);
        int rows = Math.max(1, to - first);
        float[] logits = pass.logits(Arrays.copyOfRange(tokens, from, to), rows);
        for (int at = first; at < to; at++) {
            scores[at + 1 - firstScored] = negativeLogProbability(logits, (at - first) * vocabulary, tokens[at + 1]);
        }
    }

    private double negativeLogProbability(float[] logits, int offset, int token) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < vocabulary; i++) {
            max = Math.max(max, logits[offset + i]);
        }
        double sum = 0;
        for (int i = 0; i < vocabulary; i++) {
            sum += Math.exp(logits[offset + i] - max);
        }
        return max + Math.log(sum) - logits[offset + token];
    }
}
