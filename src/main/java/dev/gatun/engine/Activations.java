package dev.gatun.engine;

/**
 * The residual stream of a chunk of tokens, [tokens, hidden] float32, wherever the backend keeps it. The host cannot
 * read it; it belongs to the backend and is valid until the next {@link Backend#embed}.
 */
public interface Activations {
    /** Tokens in the chunk. */
    int tokens();
}
