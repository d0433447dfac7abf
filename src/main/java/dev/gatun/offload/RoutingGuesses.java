package dev.gatun.offload;

/**
 * What the routers of a recording would have chosen some layers early: for each token, layer and distance a ranking of all
 * experts of the layer that is so far ahead, the likeliest first. Immutable.
 */
public final class RoutingGuesses {
    private final int layers;
    private final int experts;
    private final int layersAhead;
    private final short[] rankings;

    /**
     * Makes guesses.
     *
     * @param layers layers of the model
     * @param experts experts of a layer
     * @param layersAhead how far the guesses go, from 1 to {@code layers - 1}
     * @param rankings for each token, each layer that guessed, in order, and each distance from 1 to
     *     {@link #following}, {@code experts} numbers, each expert once
     */
    public RoutingGuesses(int layers, int experts, int layersAhead, short[] rankings) {
        if (layersAhead < 1 || layersAhead >= layers || experts < 1 || experts > Short.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "no guesses: " + layersAhead + " layers ahead of " + layers + ", each of " + experts + " experts");
        }
        this.layers = layers;
        this.experts = experts;
        this.layersAhead = layersAhead;
        if (rankings.length % numbersOfToken() != 0) {
            throw new IllegalArgumentException("the last token's guesses are incomplete");
        }
        this.rankings = rankings.clone();
    }

    /** How many layers after {@code layer} it guesses for: {@code layersAhead}, or as many as follow. */
    public static int following(int layer, int layers, int layersAhead) {
        return Math.min(layersAhead, layers - 1 - layer);
    }

    /** How far the guesses go. */
    public int layersAhead() {
        return layersAhead;
    }

    /** Tokens guessed for. */
    public int tokens() {
        return rankings.length / numbersOfToken();
    }

    /**
     * The expert of layer {@code layer + ahead} that was guessed at {@code layer}.
     *
     * @param ahead from 1 to {@link #following}
     * @param rank 0 for the likeliest, up to experts - 1
     */
    public int expert(int token, int layer, int ahead, int rank) {
        return rankings[token * numbersOfToken() + (guessesBefore(layer) + ahead - 1) * experts + rank];
    }

    /** How many experts come before {@code expert} in what {@link #expert} ranks. */
    public int rankOf(int token, int layer, int ahead, int expert) {
        int rank = 0;
        while (expert(token, layer, ahead, rank) != expert) {
            rank++;
        }
        return rank;
    }

    void requireFitting(RoutingTrace trace) {
        if (trace.layers() != layers || trace.experts() != experts || trace.tokens() != tokens()) {
            throw new IllegalArgumentException("the guesses are of another trace");
        }
    }

    private int numbersOfToken() {
        return guessesBefore(layers) * experts;
    }

    /** Guesses of a token by the layers before {@code layer}: the last layers guess for fewer. */
    private int guessesBefore(int layer) {
        int whole = layers - layersAhead;
        int late = Math.max(0, layer - whole);
        return Math.min(layer, whole) * layersAhead + late * (layersAhead - 1) - late * (late - 1) / 2;
    }
}
