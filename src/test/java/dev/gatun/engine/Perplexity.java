package dev.gatun.engine;

/** The perplexity of tokens in windows, as the reference defines it; sums in double. */
public final class Perplexity {
    private static final int ROWS = 256;

    private final Backend backend;
    private final ForwardPass pass;
    private final int vocabulary;
    private final KvPrecision precision;

    public Perplexity(Backend backend, int layers, int vocabulary, KvPrecision precision) {
        this.backend = backend;
        this.pass = new ForwardPass(backend, layers);
        this.vocabulary = vocabulary;
        this.precision = precision;
    }

    /** The sum of -ln p over all tokens of a window but the first, each given those before it. */
    public double negativeLogLikelihood(int[] window) {
        double sum = 0;
        try (KvCache cache = backend.newKvCache(window.length, precision)) {
            for (int from = 0; from < window.length - 1; from += ROWS) {
                int to = Math.min(from + ROWS, window.length - 1);
                sum += chunk(window, from, to, cache);
            }
        }
        return sum;
    }

    private double chunk(int[] window, int from, int to, KvCache cache) {
        int rows = to - from;
        float[] logits = new float[rows * vocabulary];
        backend.await(pass.run(java.util.Arrays.copyOfRange(window, from, to), cache, rows), logits);
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            sum += negativeLogProbability(logits, row * vocabulary, window[from + row + 1]);
        }
        return sum;
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
