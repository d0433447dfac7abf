package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Attention over stored keys and values, which it reads through what {@link CpuPool#append} wrote. */
class AttentionTest extends OnEveryLevel {
    /** A sequence, its last tokens' queries, and which positions these see. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Sample(
            CpuFloatType type,
            int kvHeads,
            int heads,
            int size,
            int window,
            int position,
            int tokens,
            float[] keys,
            float[] values,
            float[] queries) {
        static Sample of(Random random, int longest, int kvHeads, int ratio) {
            CpuFloatType type = random.nextBoolean() ? CpuFloatType.F16 : CpuFloatType.F32;
            int size = Cases.oneOf(random, 2, 8, 12, 20, 32, 64, 128);
            int tokens = Cases.tokens(random);
            int position = random.nextInt(longest);
            int length = position + tokens;
            int window = random.nextBoolean() ? 0 : Cases.between(random, 1, length + 5);
            return new Sample(
                    type,
                    kvHeads,
                    kvHeads * ratio,
                    size,
                    window,
                    position,
                    tokens,
                    gaussians(random, length * kvHeads * size),
                    gaussians(random, length * kvHeads * size),
                    gaussians(random, tokens * kvHeads * ratio * size));
        }

        private static float[] gaussians(Random random, int count) {
            float[] values = new float[count];
            for (int i = 0; i < count; i++) {
                values[i] = (float) random.nextGaussian();
            }
            return values;
        }

        int length() {
            return position + tokens;
        }

        int firstSeenBy(int token) {
            return window == 0 ? 0 : Math.max(0, position + token - window + 1);
        }

        /** Values [length, kvHeads * size] of one head, as they are after storing. */
        double[] stored(float[] all, int head) {
            return IntStream.range(0, length() * size)
                    .mapToDouble(i -> round(all[(i / size * kvHeads + head) * size + i % size]))
                    .toArray();
        }

        private float round(float value) {
            return type == CpuFloatType.F16 ? Float.float16ToFloat(Float.floatToFloat16(value)) : value;
        }

        double[] expected() {
            double[] y = new double[queries.length];
            for (int head = 0; head < heads; head++) {
                double[] k = stored(keys, head / (heads / kvHeads));
                double[] v = stored(values, head / (heads / kvHeads));
                for (int t = 0; t < tokens; t++) {
                    int start = (t * heads + head) * size;
                    double[] query = Reference.widen(Arrays.copyOfRange(queries, start, start + size));
                    double[] result = Reference.attend(query, k, v, firstSeenBy(t), position + t);
                    System.arraycopy(result, 0, y, start, size);
                }
            }
            return y;
        }
    }

    @Test
    void everyRatioOfHeadsIsThatOfTheDefinition() {
        Cases.random(80, random -> {
            int ratio = Cases.between(random, 1, 8);
            requireNear(Sample.of(random, 150, Cases.between(random, 1, 4), ratio));
        });
    }

    @Test
    void longContextsAreThoseOfTheDefinition() {
        Cases.random(8, random -> requireNear(Sample.of(random, 4000, 1, Cases.oneOf(random, 1, 4))));
    }

    private void requireNear(Sample sample) {
        try (Arena arena = Arena.ofConfined()) {
            KeyValues kv = allocate(arena, sample);
            append(arena, kv, sample, 0, sample.length());
            Reference.assertNear(attend(arena, kv, sample), sample.expected(), 1e-5);
        }
    }

    @Test
    void aTokenThatSeesItselfAloneGetsItsOwnValueAsItWasStored() {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int tokens = Cases.tokens(random);
                float[] values = new float[tokens * 12];
                for (int i = 0; i < values.length; i++) {
                    // All magnitudes of binary16, the subnormal ones too, on both sides of where it rounds.
                    values[i] = (float) (random.nextGaussian() * Math.pow(2, Cases.between(random, -26, 13)));
                }
                KeyValues kv = KeyValues.allocate(arena, CpuFloatType.F16, 1, 12, tokens);
                FloatMatrix zeros = FloatMatrix.allocate(arena, tokens, 12);
                Guarded y = Guarded.allocate(arena, tokens, 12);
                pool.append(kv, 0, zeros, Guarded.of(arena, tokens, 12, values));
                pool.attend(kv, 0, 1, 1, zeros, y.inner());
                float[] actual = y.values();
                for (int i = 0; i < values.length; i++) {
                    float stored = Float.float16ToFloat(Float.floatToFloat16(values[i]));
                    assertThat(actual[i] == stored)
                            .as("%s, stored %s", actual[i], stored)
                            .isTrue();
                }
            }
        });
    }

    @Test
    void whatLiesOutsideTheSeenPositionsIsNeverRead() {
        Cases.random(40, random -> {
            Sample sample = Sample.of(random, 200, Cases.between(random, 1, 3), Cases.between(random, 1, 4));
            try (Arena arena = Arena.ofConfined()) {
                KeyValues kv = allocate(arena, sample);
                append(arena, kv, sample, 0, sample.length());
                float[] clean = attend(arena, kv, sample);
                poison(arena, kv, 0, sample.firstSeenBy(0));
                poison(arena, kv, sample.length(), kv.capacity());
                assertThat(attend(arena, kv, sample)).isEqualTo(clean);
            }
        });
    }

    private void poison(Arena arena, KeyValues kv, int from, int to) {
        if (from < to) {
            FloatMatrix nan = FloatMatrix.allocate(arena, to - from, kv.width());
            nan.fill(Float.NaN);
            pool.append(kv, from, nan, nan);
        }
    }

    @Test
    void appendingInPiecesIsAppendingAtOnce() {
        Cases.random(20, random -> {
            Sample sample = Sample.of(random, 100, Cases.between(random, 1, 3), Cases.between(random, 1, 3));
            try (Arena arena = Arena.ofConfined()) {
                KeyValues whole = allocate(arena, sample);
                append(arena, whole, sample, 0, sample.length());
                KeyValues pieces = allocate(arena, sample);
                for (int from = 0; from < sample.length(); ) {
                    int to = Cases.between(random, from + 1, sample.length());
                    append(arena, pieces, sample, from, to);
                    from = to;
                }
                assertThat(attend(arena, pieces, sample)).isEqualTo(attend(arena, whole, sample));
            }
        });
    }

    private static KeyValues allocate(Arena arena, Sample sample) {
        int capacity = sample.length() + 3;
        return KeyValues.allocate(arena, sample.type(), sample.kvHeads(), sample.size(), capacity);
    }

    private void append(Arena arena, KeyValues kv, Sample sample, int from, int to) {
        int width = kv.width();
        float[] keys = Arrays.copyOfRange(sample.keys(), from * width, to * width);
        float[] values = Arrays.copyOfRange(sample.values(), from * width, to * width);
        pool.append(kv, from, Guarded.of(arena, to - from, width, keys), Guarded.of(arena, to - from, width, values));
    }

    private float[] attend(Arena arena, KeyValues kv, Sample sample) {
        int width = sample.heads() * sample.size();
        Guarded y = Guarded.allocate(arena, sample.tokens(), width);
        FloatMatrix q = Guarded.of(arena, sample.tokens(), width, sample.queries());
        pool.attend(kv, sample.position(), sample.heads(), sample.window(), q, y.inner());
        return y.values();
    }
}
