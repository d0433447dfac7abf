package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.ExpertFetcher;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * What routers would choose if they were asked a layer early, from the residual stream that this layer's experts have not
 * changed yet: guesses of what to prefetch.
 */
final class GuessedChoices {
    private final RouterOperation router;
    private final PublishedChoices words;
    private final CudaRouting scratch;
    private final DeviceMemory ignoredError;
    private final int[] experts;
    /** Layers that were asked and whose answer was not read, in their order: a layer's comes when the next one was asked. */
    private final Deque<Integer> asked = new ArrayDeque<>();

    private int tokens;

    /**
     * @param router chooses as many experts as are to be guessed
     * @param words has a place for each layer
     * @param scratch for {@link TokenVariants#MOST} tokens
     * @param ignoredError an error word that nobody reads: a guess from what is no number is a wrong one, and no failure
     */
    GuessedChoices(
            RouterOperation router,
            PublishedChoices words,
            CudaRouting scratch,
            DeviceMemory ignoredError,
            int experts) {
        this.router = router;
        this.words = words;
        this.scratch = scratch;
        this.ignoredError = ignoredError;
        this.experts = new int[experts];
    }

    /** Puts the question what {@code nextLayer} will choose into the stream. */
    void ask(int nextLayer, DeviceFloats stream, CudaWeights.Layer weights, DeviceMemory sequence) {
        RouterOperation.Hooks hooks =
                new RouterOperation.Hooks(Optional.empty(), Optional.of(words), nextLayer, sequence);
        router.route(stream, weights, scratch, ignoredError, hooks);
        asked.add(nextLayer);
        tokens = stream.rows();
    }

    /** Wishes for what is guessed, once it has come. */
    void deliver(int sequence, ExpertFetcher fetcher) {
        while (!asked.isEmpty() && words.isThere(asked.getFirst(), tokens, sequence)) {
            int layer = asked.removeFirst();
            fetcher.prefetch(layer, experts, words.take(layer, 0, tokens, experts));
        }
    }

    /** The layer's own choice is known: a guess that nobody read is worth nothing any more. */
    void passed(int chosenLayer) {
        while (!asked.isEmpty() && asked.getFirst() <= chosenLayer) {
            words.take(asked.removeFirst(), 0, tokens, experts);
        }
    }

    /** Forgets everything; nothing is in flight. */
    void clear() {
        words.clear();
        asked.clear();
    }
}
