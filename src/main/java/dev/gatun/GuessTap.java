package dev.gatun;

import dev.gatun.engine.GuessObserver;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Gathers what was guessed during one forward pass; used like a {@link RoutingTap}. */
final class GuessTap implements GuessObserver {
    private final int layersAhead;
    private final List<List<int[]>> rankings = new ArrayList<>();

    /** @param layersAhead how far is guessed, fewer than there are layers */
    GuessTap(int layers, int layersAhead) {
        this.layersAhead = layersAhead;
        for (int layer = 0; layer < layers; layer++) {
            int following = Math.min(layersAhead, layers - 1 - layer);
            rankings.add(new ArrayList<>(Collections.nCopies(following, new int[0])));
        }
    }

    int layersAhead() {
        return layersAhead;
    }

    /** What a failed pass left behind is overwritten by the next one. */
    @Override
    public synchronized void guessed(int layer, int ahead, int tokens, int[] ranking) {
        rankings.get(layer).set(ahead - 1, ranking);
    }

    /** What was gathered since the pass began, which has been awaited. */
    synchronized RoutedGuesses take(int tokens) {
        int experts = rankings.getFirst().getFirst().length / tokens;
        return new RoutedGuesses(
                layersAhead,
                tokens,
                experts,
                rankings.stream().map(List::copyOf).toList());
    }
}
