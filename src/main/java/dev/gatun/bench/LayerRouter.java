package dev.gatun.bench;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Chooses a layer's experts, token by token, as a {@link RoutingScript} says. */
final class LayerRouter {
    private final double repetition;
    private final double[] weights;
    private final SplittableRandom random;
    private final boolean[] taken;
    private int[] previous = {};

    LayerRouter(RoutingScript script, int experts, SplittableRandom random) {
        this.repetition = script.repetition();
        this.random = random;
        this.taken = new boolean[experts];
        this.weights = IntStream.rangeClosed(1, experts)
                .mapToDouble(rank -> Math.pow(rank, -script.skew()))
                .toArray();
        shuffle(weights);
    }

    /** Each layer has favourites of its own. */
    private void shuffle(double[] values) {
        for (int i = values.length - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            double value = values[i];
            values[i] = values[other];
            values[other] = value;
        }
    }

    /** The next token's experts: those that stay, in their order, then those that are drawn. */
    int[] next(int count) {
        Arrays.fill(taken, false);
        int[] chosen = new int[count];
        int done = 0;
        for (int expert : previous) {
            if (random.nextDouble() < repetition) {
                chosen[done++] = expert;
                taken[expert] = true;
            }
        }
        for (; done < count; done++) {
            chosen[done] = draw();
            taken[chosen[done]] = true;
        }
        previous = chosen;
        return chosen;
    }

    /** One that was not taken. */
    private int draw() {
        double at = random.nextDouble() * freeWeight();
        int last = -1;
        for (int expert = 0; expert < weights.length; expert++) {
            if (!taken[expert]) {
                last = expert;
                at -= weights[expert];
                if (at < 0) {
                    return expert;
                }
            }
        }
        // Rounding may leave a little.
        return last;
    }

    private double freeWeight() {
        return IntStream.range(0, weights.length)
                .filter(expert -> !taken[expert])
                .mapToDouble(expert -> weights[expert])
                .sum();
    }
}
