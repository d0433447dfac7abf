package dev.gatun.engine;

import java.util.List;
import java.util.Optional;

/**
 * Where a model's operations run. It is an <em>enqueue</em> interface: operations take and return opaque handles, may
 * return before they have run, and run in the order of the calls. Only {@link #await} waits.
 *
 * <p>One chunk of tokens is in work at a time: {@link #embed} begins it, and the handles of the chunk before become
 * invalid. Norms and residual additions belong to the operations, so how they are fused is the backend's own affair.
 * Calls come from one thread at a time. What the backend was given to read (weights) outlives it.
 */
public interface Backend extends AutoCloseable {
    /** What runs here, for the user: {@code "cpu (avx2, 2 threads)"}. */
    String description();

    /** Lines for the user about what makes this slower than it could be; none as a rule. */
    default List<String> notes() {
        return List.of();
    }

    /** The most tokens a chunk may have; the same whatever memory there is. */
    int maxChunk();

    /** Makes the cache of a new sequence. */
    KvCache newKvCache(int capacity, KvPrecision precision);

    /**
     * Begins a chunk: the embedding rows of {@code tokens}.
     *
     * @throws IllegalArgumentException if there are none, more than {@link #maxChunk()}, or an id is out of range
     */
    Activations embed(int[] tokens);

    /**
     * hidden += output &middot; attention(norm(hidden)); keys and values go to positions {@code cache.length()} and on.
     *
     * @throws IllegalArgumentException if they do not fit the cache
     */
    void attend(int layer, Activations hidden, KvCache cache);

    /**
     * Chooses experts for norm(hidden).
     *
     * @throws RouterFailureException if it saw NaN; a backend that is not there yet throws it in {@link #await}
     */
    Routing route(int layer, Activations hidden);

    /** hidden += the weighted sum of the chosen experts of norm(hidden); owns lookup, fetch and sum. */
    void experts(int layer, Activations hidden, Routing routing);

    /** The logits of the last {@code rows} tokens of the chunk. */
    Logits head(Activations hidden, int rows);

    /**
     * Waits until {@code logits} are computed and copies them.
     *
     * @param target receives rows &middot; vocabulary values
     * @throws RouterFailureException if a router of this chunk saw NaN
     */
    void await(Logits logits, float[] target);

    /** A search where the logits lie, if it spares something; {@link #await} can still follow for the same logits. */
    default Optional<CandidateSearch> candidateSearch() {
        return Optional.empty();
    }

    /**
     * What fetching experts has cost so far, where this backend does that. Asked for between chunks, once for each: so it
     * waits for nothing.
     */
    default Optional<OffloadCounts> offloadCounts() {
        return Optional.empty();
    }

    /** Bytes of page-locked host memory that weights lie in, experts or others; as many until this is closed. */
    default long hostMemory() {
        return 0;
    }

    /** Sets who hears of routing from now on; nobody does at first. */
    void observe(RoutingObserver observer);

    /** Whether {@link #observeGuesses} works. */
    default boolean canGuess() {
        return false;
    }

    /**
     * Sets who hears from now on what the routers of layers to come would choose; that costs a router for each layer and
     * distance.
     *
     * @param layersAhead how far to guess, at least 1; where fewer layers follow, as far as there are layers
     * @throws UnsupportedOperationException if this backend cannot guess for others
     */
    default void observeGuesses(GuessObserver observer, int layersAhead) {
        throw new UnsupportedOperationException(description() + " tells no guesses");
    }

    /** Frees everything but what it was given. All its caches are closed before. */
    @Override
    void close();
}
