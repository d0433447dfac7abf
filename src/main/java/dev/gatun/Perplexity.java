package dev.gatun;

/**
 * How well a model predicts a text: the exponential of the mean of &minus;ln p over its tokens. See
 * {@link Model#perplexity(String, PerplexityOptions, PerplexityListener)}.
 *
 * @param value the perplexity, at least 1
 * @param standardError of the perplexity, as if tokens were independent
 * @param tokens tokens that were predicted
 * @param windows windows that these lay in
 */
public record Perplexity(double value, double standardError, long tokens, int windows) {
    /** The mean of &minus;ln p. */
    public double meanNegativeLogLikelihood() {
        return Math.log(value);
    }
}
