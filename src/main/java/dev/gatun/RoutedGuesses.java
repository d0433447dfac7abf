package dev.gatun;

import java.util.List;
import java.util.Objects;

/**
 * What the routers of later layers would have chosen, had they been asked early: the expert norm and the router of a later
 * layer, applied to the residual stream that a layer's own router saw. This is how experts to prefetch are guessed.
 * Immutable.
 */
public final class RoutedGuesses {
    private final int layersAhead;
    private final int tokens;
    private final int experts;
    private final List<List<int[]>> rankings;

    /** Takes the arrays: for each layer, and each layer after it up to {@code layersAhead}, [tokens, experts]. */
    RoutedGuesses(int layersAhead, int tokens, int experts, List<List<int[]>> rankings) {
        this.layersAhead = layersAhead;
        this.tokens = tokens;
        this.experts = experts;
        this.rankings = List.copyOf(rankings);
    }

    RoutedGuesses atMost(int fewer) {
        return fewer >= layersAhead ? this : new RoutedGuesses(fewer, tokens, experts, rankings);
    }

    /** How far the guesses go, at least 1. */
    public int layersAhead() {
        return layersAhead;
    }

    /** How many layers ahead {@code layer} guessed: {@link #layersAhead()}, or fewer where fewer layers follow. */
    public int layersAhead(int layer) {
        Objects.checkIndex(layer, rankings.size());
        return Math.min(layersAhead, rankings.size() - 1 - layer);
    }

    /** Experts of a layer: each guess ranks them all. */
    public int experts() {
        return experts;
    }

    /**
     * A guessed expert.
     *
     * @param token from 0 to {@link RoutedTokens#tokens()} - 1
     * @param layer where the guess was made, from 0
     * @param ahead it is an expert of layer {@code layer + ahead}; from 1 to {@link #layersAhead(int)}
     * @param rank 0 for the likeliest, up to {@link #experts()} - 1
     */
    public int expert(int token, int layer, int ahead, int rank) {
        Objects.checkIndex(ahead - 1, layersAhead(layer));
        Objects.checkIndex(token, tokens);
        Objects.checkIndex(rank, experts);
        return rankings.get(layer).get(ahead - 1)[token * experts + rank];
    }
}
