package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.ExpertFetcher;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * What routers would choose if they were asked some layers early, from the residual stream that this layer's experts have not
 * changed yet: guesses of what to prefetch.
 */
final class GuessedChoices {
    private static final int NONE = -1;

    private final RouterOperation router;
    private final PublishedChoices words;
    private final CudaRouting scratch;
    private final DeviceMemory ignoredError;
    private final int[] experts;
    private final int layers;
    private final int layersAhead;
    /** Places that were asked for and not read, in their order: a layer's answer comes when the next ones were asked. */
    private final Deque<Integer> asked = new ArrayDeque<>();

    private int tokens;
    private int passed = NONE;

    /**
     * @param router chooses as many experts as are to be guessed
     * @param words has a place for each layer and distance
     * @param scratch for {@link TokenVariants#MOST} tokens
     * @param layersAhead how many layers early routers are asked at most
     * @param ignoredError an error word that nobody reads: a guess from what is no number is a wrong one, and no failure
     */
    GuessedChoices(
            RouterOperation router,
            PublishedChoices words,
            CudaRouting scratch,
            DeviceMemory ignoredError,
            int layers,
            int layersAhead,
            int experts) {
        this.router = router;
        this.words = words;
        this.scratch = scratch;
        this.ignoredError = ignoredError;
        this.layers = layers;
        this.layersAhead = layersAhead;
        this.experts = new int[experts];
    }

    /** How many layers early routers are asked at most. */
    int layersAhead() {
        return layersAhead;
    }

    /**
     * Puts the question what a layer will choose into the stream.
     *
     * @param target the layer
     * @param distance so many layers early it is asked, at least 1
     */
    void ask(int target, int distance, DeviceFloats stream, CudaWeights.Layer weights, DeviceMemory sequence) {
        int place = (distance - 1) * layers + target;
        RouterOperation.Hooks hooks =
                new RouterOperation.Hooks(Optional.empty(), Optional.of(words), place, sequence, Optional.empty());
        router.route(stream, weights, scratch, ignoredError, hooks);
        asked.add(place);
        tokens = stream.rows();
        if (target == distance) {
            passed = NONE;
        }
    }

    /** Wishes for what is guessed, once it has come. */
    void deliver(int sequence, ExpertFetcher fetcher) {
        while (!asked.isEmpty() && words.words().isThere(asked.getFirst(), tokens, sequence)) {
            int place = asked.removeFirst();
            int count = words.words().take(place, 0, tokens, experts);
            if (place % layers > passed) {
                fetcher.prefetch(place % layers, experts, count);
            }
        }
    }

    /** The layer's own choice is known: a guess that nobody read is worth nothing any more. */
    void passed(int chosenLayer) {
        passed = chosenLayer;
        while (!asked.isEmpty() && asked.getFirst() % layers <= chosenLayer) {
            words.words().take(asked.removeFirst(), 0, tokens, experts);
        }
    }

    /** Forgets everything; nothing is in flight. */
    void clear() {
        words.words().clear();
        asked.clear();
        passed = NONE;
    }
}
