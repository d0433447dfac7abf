package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Embedding, norm, sum, rotary embedding and the plain read. */
class ElementwiseTest extends OnEveryLevel {
    @Test
    void embeddingIsExact() {
        Cases.random(30, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int rows = Cases.between(random, 1, 100);
                int columns = Cases.between(random, 1, 200);
                SampleMatrix table = SampleMatrix.dense(arena, random, rows, columns);
                int[] ids = random.ints(Cases.tokens(random), 0, rows).toArray();
                Guarded fromArray = Guarded.allocate(arena, ids.length, columns);
                Guarded fromMemory = Guarded.allocate(arena, ids.length, columns);

                pool.embed(table.matrix(), ids, fromArray.inner());
                pool.embed(table.matrix(), arena.allocateFrom(ValueLayout.JAVA_INT, ids), fromMemory.inner());

                assertThat(fromMemory.values()).isEqualTo(fromArray.values());
                for (int t = 0; t < ids.length; t++) {
                    for (int k = 0; k < columns; k++) {
                        assertThat((double) fromArray.inner().get(t, k))
                                .isEqualTo(table.weights()[ids[t] * columns + k]);
                    }
                }
            }
        });
    }

    @Test
    void theNormIsThatOfTheDefinition() {
        Cases.random(40, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int columns = Cases.between(random, 1, 500);
                int tokens = Cases.tokens(random);
                float epsilon = random.nextBoolean() ? 1e-5f : 1e-6f;
                SampleMatrix weight = SampleMatrix.dense(arena, random, 1, columns);
                float[] values = Cases.values(random, tokens * columns);
                FloatMatrix x = Guarded.of(arena, tokens, columns, values);
                Guarded y = Guarded.allocate(arena, tokens, columns);

                pool.rmsNorm(weight.matrix(), epsilon, x, y.inner());
                pool.rmsNorm(weight.matrix(), epsilon, x, x);

                double[] expected = Reference.rmsNorm(weight.weights(), epsilon, Reference.widen(values));
                Reference.assertNear(y.values(), expected, 1e-6);
                assertThat(x.toArray()).as("in place").isEqualTo(y.values());
            }
        });
    }

    @Test
    void theNormOfZerosIsZero() {
        try (Arena arena = Arena.ofConfined()) {
            CpuMatrix weight = SampleMatrix.dense(arena, new Random(1), 1, 33).matrix();
            FloatMatrix x = FloatMatrix.allocate(arena, 2, 33);
            pool.rmsNorm(weight, 1e-5f, x, x);
            for (float value : x.toArray()) {
                // Of either sign.
                assertThat(value == 0).isTrue();
            }
        }
    }

    @Test
    void sumsAreExact() {
        Cases.random(30, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int columns = Cases.between(random, 1, 300);
                int tokens = Cases.tokens(random);
                float[] x = Cases.values(random, tokens * columns);
                float[] before = Cases.values(random, tokens * columns);
                Guarded y = Guarded.allocate(arena, tokens, columns);
                y.inner().copyFrom(before);

                pool.add(Guarded.of(arena, tokens, columns, x), y.inner());

                float[] after = y.values();
                for (int i = 0; i < x.length; i++) {
                    assertThat(after[i]).isEqualTo(before[i] + x[i]);
                }
            }
        });
    }

    @Test
    void rotationIsThatOfTheDefinition() {
        Cases.random(40, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int heads = Cases.between(random, 1, 9);
                int half = Cases.oneOf(random, 1, 3, 8, 10, 32, 64);
                int tokens = Cases.tokens(random);
                long position = Cases.oneOf(random, 0, 1, 17, 1000, 32000);
                float[] frequencies = frequencies(half);
                float[] before = Cases.values(random, tokens * heads * 2 * half);
                Guarded x = Guarded.allocate(arena, tokens, heads * 2 * half);
                x.inner().copyFrom(before);

                pool.rope(
                        x.inner(), heads, 2 * half, position, arena.allocateFrom(ValueLayout.JAVA_FLOAT, frequencies));

                requireTurned(before, x.values(), heads, frequencies, position);
            }
        });
    }

    private static float[] frequencies(int half) {
        float[] frequencies = new float[half];
        for (int i = 0; i < half; i++) {
            frequencies[i] = (float) Math.pow(1e6, -(double) i / half);
        }
        return frequencies;
    }

    private static void requireTurned(float[] before, float[] after, int heads, float[] frequencies, long position) {
        int half = frequencies.length;
        for (int pair = 0; pair < before.length / 2; pair++) {
            int i = pair % half;
            int low = pair / half * 2 * half + i;
            long token = low / (heads * 2 * half);
            double angle = (position + token) * (double) frequencies[i];
            double norm = Math.hypot(before[low], before[low + half]);
            double tolerance = norm * 5e-7;
            double cosine = Math.cos(angle);
            double sine = Math.sin(angle);
            assertThat((double) after[low])
                    .isCloseTo(before[low] * cosine - before[low + half] * sine, within(tolerance));
            assertThat((double) after[low + half])
                    .isCloseTo(before[low + half] * cosine + before[low] * sine, within(tolerance));
        }
    }

    @Test
    void readingTouchesEveryWord() {
        Cases.random(40, random -> {
            try (Arena arena = Arena.ofConfined()) {
                long[] words = random.longs(Cases.between(random, 1, 200_000)).toArray();
                MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_LONG, words);
                assertThat(pool.read(data)).isEqualTo(Arrays.stream(words).reduce(0, (a, b) -> a ^ b));
            }
        });
    }
}
