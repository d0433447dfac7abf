package dev.gatun;

import dev.gatun.engine.RoutingObserver;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Gathers what the routers of one forward pass chose. Used under the model's lock; a backend may call it from a thread of
 * its own, but not after the pass was awaited.
 */
final class RoutingTap implements RoutingObserver {
    private final List<int[]> experts;
    private final List<float[]> weights;

    RoutingTap(int layers) {
        this.experts = new ArrayList<>(Collections.nCopies(layers, new int[0]));
        this.weights = new ArrayList<>(Collections.nCopies(layers, new float[0]));
    }

    /** What a failed pass left behind is overwritten by the next one, layer by layer. */
    @Override
    public synchronized void routed(int layer, int tokens, int[] ids, float[] layerWeights) {
        experts.set(layer, ids);
        weights.set(layer, layerWeights);
    }

    /** What was gathered since the pass began, which has been awaited. */
    synchronized RoutedTokens take(
            int position, int tokens, Optional<RoutedGuesses> guesses, Optional<OffloadStatistics> offload) {
        int expertsPerToken = experts.getFirst().length / tokens;
        return new RoutedTokens(position, tokens, expertsPerToken, experts, weights, guesses, offload);
    }
}
