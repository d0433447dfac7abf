package dev.gatun.bench;

import java.util.SplittableRandom;

/** Token ids that are as good as any text for measuring, the same in every run. */
final class RandomTokens {
    private static final long SEED = 20260101;

    private RandomTokens() {}

    /** So many ids below {@code vocabulary}. */
    static int[] ids(int count, int vocabulary) {
        return new SplittableRandom(SEED).ints(count, 0, vocabulary).toArray();
    }
}
