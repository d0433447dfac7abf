package dev.gatun.engine.cuda;

import java.util.SplittableRandom;

/** Token ids. */
final class RandomIds {
    private RandomIds() {}

    static int[] of(int count, int vocabulary, long seed) {
        return new SplittableRandom(seed).ints(count, 0, vocabulary).toArray();
    }
}
