package dev.gatun.cpu;

import java.util.Random;
import java.util.function.Consumer;

/** Runs a law on random cases; a failure names the seed of its case, with which {@link #one} runs that case alone. */
final class Cases {
    private Cases() {}

    static void random(int count, Consumer<Random> law) {
        for (int seed = 0; seed < count; seed++) {
            one(seed, law);
        }
    }

    static void one(long seed, Consumer<Random> law) {
        try {
            // Neighbouring seeds give alike first numbers unless they are spread.
            law.accept(new Random(seed * 0x9E3779B97F4A7C15L));
        } catch (RuntimeException | Error failure) {
            throw new AssertionError("case with seed " + seed + ": " + failure.getMessage(), failure);
        }
    }

    /** A number from {@code first} to {@code last}. */
    static int between(Random random, int first, int last) {
        return random.nextInt(first, last + 1);
    }

    static int oneOf(Random random, int... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /** One token in a third of the cases, else up to 70. */
    static int tokens(Random random) {
        return random.nextInt(3) == 0 ? 1 : between(random, 2, 70);
    }

    /** Normally distributed values of a random magnitude. */
    static float[] values(Random random, int count) {
        double magnitude = Math.pow(10, between(random, -4, 2));
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (random.nextGaussian() * magnitude);
        }
        return values;
    }
}
