package dev.gatun.checkpoint;

import java.util.concurrent.ThreadLocalRandom;

/** A fresh seed for every run, or the one of {@code -Dgatun.test.seed=...}, to see a failure again. */
public final class Seeds {
    private Seeds() {}

    public static long next() {
        return Long.getLong("gatun.test.seed", ThreadLocalRandom.current().nextLong());
    }

    /** What a failure has to say. */
    public static String hint(long seed) {
        return "see it again with -Dgatun.test.seed=" + seed;
    }
}
