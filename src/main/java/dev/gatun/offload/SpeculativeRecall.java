package dev.gatun.offload;

import java.util.List;
import java.util.stream.IntStream;

/**
 * How well routers guess layers ahead. The recall of {@code k} guesses is the share of the experts a layer chose that were
 * among the first {@code k} guessed for it: 1 when all are. Counted over a whole trace, once.
 */
public final class SpeculativeRecall {
    private final RoutingTrace trace;
    private final RoutingGuesses guesses;
    /** [layers ahead - 1][guessed layer][rank]: chosen experts that were guessed at this rank. */
    private final long[][][] chosenAt;

    /** Counts; {@code guesses} are those of {@code trace}. */
    public SpeculativeRecall(RoutingTrace trace, RoutingGuesses guesses) {
        this.trace = trace;
        this.guesses = guesses;
        this.chosenAt = new long[guesses.layersAhead()][trace.layers()][trace.experts()];
        for (int token = 0; token < trace.tokens(); token++) {
            for (int layer = 1; layer < trace.layers(); layer++) {
                count(token, layer);
            }
        }
    }

    private void count(int token, int layer) {
        int[] chosen = new int[trace.expertsPerToken()];
        trace.copyChoice(token, layer, chosen);
        for (int ahead = 1; ahead <= Math.min(layer, layersAhead()); ahead++) {
            for (int expert : chosen) {
                chosenAt[ahead - 1][layer][guesses.rankOf(token, layer - ahead, ahead, expert)]++;
            }
        }
    }

    /** How far the guesses go. */
    public int layersAhead() {
        return guesses.layersAhead();
    }

    /** Recall of 1 guess, of 2, and so on up to all experts, over all layers that were guessed {@code ahead} layers early. */
    public List<Double> curve(int ahead) {
        return recall(IntStream.range(ahead, trace.layers()).toArray(), ahead);
    }

    /** As {@link #curve(int)}, for one guessed layer, which is {@code ahead} or later. */
    public List<Double> curve(int ahead, int layer) {
        return recall(new int[] {layer}, ahead);
    }

    private List<Double> recall(int[] layers, int ahead) {
        double all = (double) trace.tokens() * trace.expertsPerToken() * layers.length;
        return IntStream.rangeClosed(1, trace.experts())
                .mapToObj(k -> found(layers, ahead, k) / all)
                .toList();
    }

    private long found(int[] layers, int ahead, int k) {
        return IntStream.of(layers)
                .mapToLong(layer -> IntStream.range(0, k)
                        .mapToLong(rank -> chosenAt[ahead - 1][layer][rank])
                        .sum())
                .sum();
    }
}
