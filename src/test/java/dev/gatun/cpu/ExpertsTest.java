package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The weighted sum of chosen experts. */
class ExpertsTest extends OnEveryLevel {
    @Test
    void denseExpertsAreThoseOfTheDefinition() {
        Cases.random(30, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int hidden = Cases.between(random, 1, 80);
                int intermediate = Cases.between(random, 1, 100);
                int count = Cases.between(random, 1, 8);
                requireNear(arena, random, SampleExperts.dense(arena, random, count, hidden, intermediate));
            }
        });
    }

    @Test
    void quantizedExpertsAreThoseOfTheDefinition() {
        Cases.random(30, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int hidden = 16 * Cases.between(random, 1, 6);
                int intermediate = 16 * Cases.between(random, 1, 8);
                int count = Cases.between(random, 1, 8);
                requireNear(arena, random, SampleExperts.hqq(arena, random, count, hidden, intermediate));
            }
        });
    }

    private void requireNear(Arena arena, Random random, SampleExperts sample) {
        int tokens = Cases.tokens(random);
        float[] x = Cases.values(random, tokens * sample.experts().hidden());
        SampleExperts.Routing routing =
                SampleExperts.Routing.of(random, tokens, sample.experts().count());

        float[] sums = add(arena, sample, x, routing, new float[x.length]);

        Reference.assertNear(sums, sample.expected(Reference.widen(x), routing), tolerance(tokens));
    }

    @Test
    void theSumIsAddedToWhatIsThere() {
        Cases.random(10, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleExperts sample = SampleExperts.hqq(arena, random, 4, 32, 48);
                float[] x = Cases.values(random, 3 * 32);
                float[] before = Cases.values(random, 3 * 32);
                SampleExperts.Routing routing = SampleExperts.Routing.of(random, 3, 4);
                double[] expected = sample.expected(Reference.widen(x), routing);
                for (int i = 0; i < expected.length; i++) {
                    expected[i] += before[i];
                }
                Reference.assertNear(add(arena, sample, x, routing, before), expected, Reference.FLOATS);
            }
        });
    }

    @Test
    void aTokenOfABatchKnowsNothingOfTheOthers() {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleExperts sample = SampleExperts.hqq(arena, random, 4, 32, 48);
                int tokens = Cases.between(random, 3, 40);
                float[] x = Cases.values(random, tokens * 32);
                SampleExperts.Routing routing = SampleExperts.Routing.of(random, tokens, 4);
                float[] all = add(arena, sample, x, routing, new float[x.length]);
                int from = random.nextInt(tokens - 1);
                float[] two = add(
                        arena,
                        sample,
                        Arrays.copyOfRange(x, from * 32, (from + 2) * 32),
                        part(routing, from, from + 2),
                        new float[2 * 32]);
                assertThat(two).isEqualTo(Arrays.copyOfRange(all, from * 32, (from + 2) * 32));
            }
        });
    }

    private static SampleExperts.Routing part(SampleExperts.Routing routing, int from, int to) {
        int topK = routing.topK();
        return new SampleExperts.Routing(
                topK,
                Arrays.copyOfRange(routing.ids(), from * topK, to * topK),
                Arrays.copyOfRange(routing.weights(), from * topK, to * topK));
    }

    private float[] add(Arena arena, SampleExperts sample, float[] x, SampleExperts.Routing routing, float[] before) {
        int hidden = sample.experts().hidden();
        int tokens = x.length / hidden;
        Guarded y = Guarded.allocate(arena, tokens, hidden);
        y.inner().copyFrom(before);
        pool.experts(
                sample.experts(),
                Guarded.of(arena, tokens, hidden, x),
                routing.ids(arena),
                routing.weights(arena),
                routing.topK(),
                y.inner());
        return y.values();
    }
}
