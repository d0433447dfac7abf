package dev.gatun;

import java.util.List;
import java.util.Optional;

/** The experts that the routers of all layers chose for tokens that went through the model together. Immutable. */
public final class RoutedTokens {
    private final int position;
    private final int tokens;
    private final int expertsPerToken;
    private final List<int[]> experts;
    private final List<float[]> weights;
    private final Optional<RoutedGuesses> guesses;
    private final Optional<OffloadStatistics> offload;

    /** Takes the arrays: for each layer [tokens, expertsPerToken]. */
    RoutedTokens(
            int position,
            int tokens,
            int expertsPerToken,
            List<int[]> experts,
            List<float[]> weights,
            Optional<RoutedGuesses> guesses,
            Optional<OffloadStatistics> offload) {
        this.position = position;
        this.tokens = tokens;
        this.expertsPerToken = expertsPerToken;
        this.experts = List.copyOf(experts);
        this.weights = List.copyOf(weights);
        this.guesses = guesses;
        this.offload = offload;
    }

    /** These tokens with the guesses for {@code layersAhead} layers at most. */
    RoutedTokens guessedAtMost(int layersAhead) {
        Optional<RoutedGuesses> fewer = guesses.filter(all -> layersAhead > 0).map(all -> all.atMost(layersAhead));
        return new RoutedTokens(position, tokens, expertsPerToken, experts, weights, fewer, offload);
    }

    /** Where the first of the tokens stands in its session, from 0. */
    public int position() {
        return position;
    }

    /** How many tokens these are: a chunk of a prompt, or one. */
    public int tokens() {
        return tokens;
    }

    /** Layers of the model. */
    public int layers() {
        return experts.size();
    }

    /** Experts chosen by each layer for each token. */
    public int expertsPerToken() {
        return expertsPerToken;
    }

    /**
     * A chosen expert.
     *
     * @param token from 0 to {@link #tokens()} - 1
     * @param layer from 0
     * @param choice 0 for the best, up to {@link #expertsPerToken()} - 1
     */
    public int expert(int token, int layer, int choice) {
        return experts.get(layer)[index(token, choice)];
    }

    /** The renormalised weight of {@link #expert}. */
    public float weight(int token, int layer, int choice) {
        return weights.get(layer)[index(token, choice)];
    }

    /** What the routers would have chosen some layers earlier; empty where the listener does not want to know. */
    public Optional<RoutedGuesses> guesses() {
        return guesses;
    }

    /** What fetching the experts of these tokens cost; empty where the backend fetches none. */
    public Optional<OffloadStatistics> offload() {
        return offload;
    }

    private int index(int token, int choice) {
        if (token < 0 || token >= tokens || choice < 0 || choice >= expertsPerToken) {
            throw new IndexOutOfBoundsException("token " + token + ", choice " + choice);
        }
        return token * expertsPerToken + choice;
    }
}
