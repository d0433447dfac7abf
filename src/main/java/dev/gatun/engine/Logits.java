package dev.gatun.engine;

/**
 * The logits of the last {@code rows} tokens of a chunk, [rows, vocabulary] float32; not computed before
 * {@link Backend#await} returns. Valid until the next {@link Backend#embed}.
 */
public interface Logits {
    /** Tokens that logits were asked for. */
    int rows();
}
