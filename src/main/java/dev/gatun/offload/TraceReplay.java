package dev.gatun.offload;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Replays a trace through a cache, one token after another as decoding would, with copies that end at once. The first half
 * of the trace warms the cache, and a fixed placement learns from it; what is counted is the second half.
 */
public final class TraceReplay {
    private final RoutingTrace trace;
    private final int warmUp;

    /** Makes a replay of a trace. */
    public TraceReplay(RoutingTrace trace) {
        this.trace = trace;
        this.warmUp = trace.tokens() / 2;
    }

    /** Tokens that warm the cache. */
    public int warmUpTokens() {
        return warmUp;
    }

    /**
     * The hit ratio of one policy in caches of 1 slot per layer, of 2, and so on up to one for every expert. Besides, there
     * are as many staging slots as a token needs, shared by all layers.
     */
    public List<Double> hitRatios(PolicyKind kind, CacheShape.Sharing sharing) {
        return IntStream.rangeClosed(1, trace.experts())
                .mapToObj(slots -> counts(kind, shape(slots, sharing)).hitRatio())
                .toList();
    }

    private CacheShape shape(int slotsPerLayer, CacheShape.Sharing sharing) {
        int slots = slotsPerLayer * trace.layers();
        return new CacheShape(trace.layers(), trace.experts(), slots, trace.expertsPerToken(), sharing);
    }

    /** What a cache of this shape counts in the second half. */
    public CacheCounts counts(PolicyKind kind, CacheShape shape) {
        ExpertCache cache = new ExpertCache(shape, kind.make(shape, trace, warmUp), trace.expertsPerToken());
        run(cache, 0, warmUp);
        CacheCounts before = cache.counts();
        run(cache, warmUp, trace.tokens());
        return cache.counts().since(before);
    }

    /**
     * What the first {@code k} guesses, made {@code ahead} layers early, would have been worth to a cache of
     * {@code slotsPerLayer} slots a layer, with the policy {@code kind}.
     *
     * @throws java.util.NoSuchElementException if no guesses were recorded
     */
    public GuessWorth worth(PolicyKind kind, int slotsPerLayer, int ahead, int k) {
        RoutingGuesses guesses = trace.guesses().orElseThrow();
        CacheShape shape = shape(slotsPerLayer, CacheShape.Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, kind.make(shape, trace, warmUp), trace.expertsPerToken());
        run(cache, 0, warmUp);
        GuessAudit audit = new GuessAudit(guesses, cache, ahead, k);
        run(cache, warmUp, trace.tokens(), audit::look);
        return audit.worth();
    }

    /** Hears of each layer's choice before the cache does. */
    private interface ChoiceListener {
        void chosen(int token, int layer, int[] experts);
    }

    private void run(ExpertCache cache, int from, int to) {
        run(cache, from, to, (token, layer, experts) -> {});
    }

    private void run(ExpertCache cache, int from, int to, ChoiceListener listener) {
        int[] experts = new int[trace.expertsPerToken()];
        int[] slots = new int[trace.expertsPerToken()];
        for (int token = from; token < to; token++) {
            for (int layer = 0; layer < trace.layers(); layer++) {
                trace.copyChoice(token, layer, experts);
                listener.chosen(token, layer, experts);
                serve(cache, layer, experts, slots);
            }
        }
    }

    private static void serve(ExpertCache cache, int layer, int[] experts, int[] slots) {
        cache.request(layer, experts, experts.length, slots);
        for (int i = 0; i < experts.length; i++) {
            if (slots[i] == ExpertCache.NONE) {
                slots[i] = cache.reserve(layer, experts[i]);
                cache.copied(slots[i]);
            }
        }
        Arrays.stream(slots).forEach(cache::release);
    }
}
