package dev.gatun.offload;

import java.util.Arrays;
import tools.jackson.databind.JsonNode;

/** Reads the guesses of a trace's tokens, for {@link TraceReader}; what is wrong it refuses likewise. */
final class GuessReader {
    private final int layers;
    private final int experts;
    private final int layersAhead;
    private final boolean[] seen;
    private short[] rankings = new short[1 << 12];
    private int filled;

    GuessReader(int layers, int experts, int layersAhead) {
        this.layers = layers;
        this.experts = experts;
        this.layersAhead = layersAhead;
        this.seen = new boolean[experts];
    }

    /** Takes one token's guesses in. */
    void token(JsonNode guesses) {
        TraceReader.require(
                guesses.isArray() && guesses.size() == layers, "`guesses` must be an array of " + layers + " layers");
        for (int layer = 0; layer < layers; layer++) {
            layer(guesses.get(layer), layer, RoutingGuesses.following(layer, layers, layersAhead));
        }
    }

    private void layer(JsonNode rankedLayers, int layer, int following) {
        TraceReader.require(
                rankedLayers.isArray() && rankedLayers.size() == following,
                "`guesses` of layer " + layer + " must be for " + following + " layers after it");
        for (JsonNode ranking : rankedLayers) {
            ranking(ranking);
        }
    }

    private void ranking(JsonNode ranking) {
        TraceReader.require(
                ranking.isArray() && ranking.size() == experts, "`guesses` must rank " + experts + " experts");
        int first = reserve();
        Arrays.fill(seen, false);
        for (int rank = 0; rank < experts; rank++) {
            int expert = TraceReader.inRange(ranking.get(rank), "guesses", 0, experts - 1);
            TraceReader.require(!seen[expert], "expert " + expert + " is guessed twice in one ranking");
            seen[expert] = true;
            rankings[first + rank] = (short) expert;
        }
    }

    private int reserve() {
        int first = filled;
        TraceReader.require(first <= Integer.MAX_VALUE / 4, "the trace has too many guesses");
        filled += experts;
        if (filled > rankings.length) {
            rankings = Arrays.copyOf(rankings, Math.max(filled, 2 * rankings.length));
        }
        return first;
    }

    RoutingGuesses guesses() {
        return new RoutingGuesses(layers, experts, layersAhead, Arrays.copyOf(rankings, filled));
    }
}
