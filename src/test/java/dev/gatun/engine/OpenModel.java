package dev.gatun.engine;

import dev.gatun.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Function;

/** A checkpoint on a backend, for tests. */
public record OpenModel(Checkpoint checkpoint, Backend backend, ForwardPass pass) implements AutoCloseable {
    /** Opens a model folder on what {@code makeBackend} makes for it. */
    public static OpenModel open(Path folder, Function<Checkpoint, Backend> makeBackend) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        try {
            Backend backend = makeBackend.apply(checkpoint);
            return new OpenModel(
                    checkpoint,
                    backend,
                    new ForwardPass(backend, checkpoint.config().layers()));
        } catch (RuntimeException | Error failure) {
            checkpoint.close();
            throw failure;
        }
    }

    /** Feeds tokens chunk by chunk; returns the logits of the last {@code rows}, which lie in the last chunk. */
    public float[] feed(int[] tokens, KvCache cache, int rows, int chunk) {
        float[] logits = new float[rows * checkpoint.config().vocabularySize()];
        for (int from = 0; from < tokens.length; from += chunk) {
            int to = Math.min(tokens.length, from + chunk);
            boolean last = to == tokens.length;
            float[] target = last ? logits : new float[checkpoint.config().vocabularySize()];
            backend.await(pass.run(Arrays.copyOfRange(tokens, from, to), cache, last ? rows : 1), target);
        }
        return logits;
    }

    /** Feeds tokens as one chunk; returns the logits of the last. */
    public float[] feed(KvCache cache, int... tokens) {
        return feed(tokens, cache, 1, tokens.length);
    }

    /** The token with the highest logit, the first of equals. */
    public static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    @Override
    public void close() {
        backend.close();
        checkpoint.close();
    }
}
