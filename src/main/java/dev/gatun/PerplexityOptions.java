package dev.gatun;

import java.util.OptionalInt;

/**
 * How to cut a text into windows, each of which is evaluated by itself.
 *
 * @param window tokens of a window, at least 2; 0 for the model's context length, at most {@value #DEFAULT_WINDOW}
 * @param stride tokens from the beginning of a window to that of the next; empty for windows that do not overlap. With
 *     overlapping windows each token is scored once, with more before it to be predicted from, and evaluating takes longer
 * @param beginEach whether each window begins with the model's beginning-of-text token; if not, the text alone does, and
 *     the first token of a window that does not overlap the one before is not predicted
 * @param mostWindows windows after which the evaluation ends; empty for all
 * @param keyValueBits 16, or 32 for comparisons with a reference
 */
public record PerplexityOptions(
        int window, OptionalInt stride, boolean beginEach, OptionalInt mostWindows, int keyValueBits) {
    /** Tokens of a window, unless the model's context is shorter. */
    public static final int DEFAULT_WINDOW = 1024;

    /**
     * Checks the options.
     *
     * @throws GatunException naming the value that is out of range
     */
    public PerplexityOptions {
        if (window < 0 || window == 1) {
            throw new GatunException("window: " + window + " is less than 2 tokens");
        }
        requirePositive("stride", stride);
        requirePositive("most windows", mostWindows);
        if (keyValueBits != 16 && keyValueBits != 32) {
            throw new GatunException("key/value bits: " + keyValueBits + " is neither 16 nor 32");
        }
    }

    private static void requirePositive(String name, OptionalInt value) {
        if (value.orElse(1) < 1) {
            throw new GatunException(name + ": " + value.getAsInt() + " is not positive");
        }
    }

    /** Windows of {@value #DEFAULT_WINDOW} tokens that do not overlap, each with a beginning-of-text token, all of them. */
    public static PerplexityOptions defaults() {
        return new PerplexityOptions(0, OptionalInt.empty(), true, OptionalInt.empty(), 16);
    }

    /** These options with windows of so many tokens. */
    public PerplexityOptions withWindow(int tokens) {
        return new PerplexityOptions(tokens, stride, beginEach, mostWindows, keyValueBits);
    }

    /** These options with windows that begin so many tokens apart. */
    public PerplexityOptions withStride(int tokens) {
        return new PerplexityOptions(window, OptionalInt.of(tokens), beginEach, mostWindows, keyValueBits);
    }

    /** These options with a beginning-of-text token before each window, or before the text alone. */
    public PerplexityOptions withBeginEach(boolean each) {
        return new PerplexityOptions(window, stride, each, mostWindows, keyValueBits);
    }

    /** These options with an end after so many windows. */
    public PerplexityOptions withMostWindows(int windows) {
        return new PerplexityOptions(window, stride, beginEach, OptionalInt.of(windows), keyValueBits);
    }

    /** These options with another precision of keys and values. */
    public PerplexityOptions withKeyValueBits(int bits) {
        return new PerplexityOptions(window, stride, beginEach, mostWindows, bits);
    }
}
