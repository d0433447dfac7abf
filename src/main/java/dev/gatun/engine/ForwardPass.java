package dev.gatun.engine;

/** The forward pass of a Mixtral-family decoder: the one place where the order of operations stands. */
public final class ForwardPass {
    private final Backend backend;
    private final int layers;

    /** Makes the pass of a model with {@code layers} layers. */
    public ForwardPass(Backend backend, int layers) {
        this.backend = backend;
        this.layers = layers;
    }

    /**
     * Appends one chunk to a sequence.
     *
     * @param tokens 1 to {@link Backend#maxChunk()} ids
     * @param cache the sequence; has room for them
     * @param rows how many of the last tokens logits are wanted for, at least 1
     */
    public Logits run(int[] tokens, KvCache cache, int rows) {
        Activations hidden = backend.embed(tokens);
        for (int layer = 0; layer < layers; layer++) {
            backend.attend(layer, hidden, cache);
            backend.experts(layer, hidden, backend.route(layer, hidden));
        }
        Logits logits = backend.head(hidden, rows);
        cache.commit(tokens.length);
        return logits;
    }

    /**
     * How many of a prompt's tokens the next chunk may have: up to the next multiple of the backend's chunk, so that chunks
     * lie the same way however a sequence was fed.
     */
    public int nextChunk(KvCache cache) {
        int grid = backend.maxChunk();
        return grid - cache.length() % grid;
    }
}
