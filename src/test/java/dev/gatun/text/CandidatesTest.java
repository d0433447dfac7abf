package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Candidates choose what all logits choose, or nothing. */
class CandidatesTest {
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final TokenWindow NOTHING = new TokenWindow(0);
    private static final SamplerSettings PLAIN = SamplerSettings.neutral(42);

    @Test
    void choiceIsThatOfAllLogits() {
        long first = new Random().nextLong();
        int decided = 0;
        int undecided = 0;
        for (long seed = first; seed < first + 2000; seed++) {
            Random random = new Random(seed);
            SamplerSettings settings = anySettings(random);
            Sampler few = new Sampler(settings);
            Sampler all = new Sampler(settings);
            int vocabulary = 1 + random.nextInt(random.nextBoolean() ? 20 : 300);
            Candidates candidates = new Candidates(1 + random.nextInt(64), vocabulary);
            TokenWindow recent = new TokenWindow(settings.repetitionWindow());
            for (int token = 0; token < 20; token++) {
                float[] logits = anyLogits(random, vocabulary);
                candidates.read(found(candidates, logits, settings, recent, anyError(random)));
                int chosen = few.next(candidates);
                if (chosen == Sampler.UNDECIDED) {
                    undecided++;
                    chosen = few.next(logits, recent);
                } else {
                    decided++;
                }
                assertThat(chosen)
                        .as("seed %d, token %d, %s", seed, token, settings)
                        .isEqualTo(all.next(logits, recent));
                recent.add(chosen);
            }
        }
        // Both roads were walked, often.
        assertThat(decided).isGreaterThan(10_000);
        assertThat(undecided).isGreaterThan(2_000);
    }

    @Test
    void greedyNeedsOneCandidate() {
        forRandomLogits(
                1,
                SamplerSettings.greedy(),
                (candidates, logits, seed) -> assertThat(new Sampler(SamplerSettings.greedy()).next(candidates))
                        .as("seed %d", seed)
                        .isEqualTo(new Sampler(SamplerSettings.greedy()).next(logits, NOTHING)));
    }

    @Test
    void topKAmongTheCandidatesIsAlwaysDecided() {
        for (int topK : new int[] {1, 13, 15, 16}) {
            alwaysDecided(16, PLAIN.withTopK(topK).withTopP(0.9).withMinP(0.01));
        }
    }

    /** Wherever a cut or a draw falls, and whatever the mass of all was found to be. */
    @Test
    void allPossibleTokensAmongTheCandidatesAlwaysDecide() {
        alwaysDecided(200, PLAIN);
        alwaysDecided(200, PLAIN.withTopP(0.8));
        alwaysDecided(200, PLAIN.withMinP(0.01));
        alwaysDecided(200, PLAIN.withTopK(201).withTopP(0.8));
    }

    /** The first two of four hold exactly half, and no error of the mass of all moves that. */
    @Test
    void aCutOnTheEdgeIsDecidedWhereAllPossibleTokensOrTheTopKAreKnown() {
        float[] logits = new float[100];
        Arrays.fill(logits, 4, 100, Float.NEGATIVE_INFINITY);
        for (int topK : new int[] {0, 4, 5, 16, 300}) {
            SamplerSettings settings = PLAIN.withTopP(0.5).withTopK(topK);
            assertThat(next(16, logits, settings))
                    .as("top %d", topK)
                    .isEqualTo(new Sampler(settings).next(logits, NOTHING));
        }
        assertThat(next(4, logits, PLAIN.withTopP(0.5).withTopK(4))).isNotEqualTo(Sampler.UNDECIDED);
        assertThat(next(4, logits, PLAIN.withTopP(0.5).withTopK(5)))
                .as("a fifth may be possible")
                .isEqualTo(Sampler.UNDECIDED);
    }

    @Test
    void aNucleusThatMayReachBeyondTheCandidatesIsUndecided() {
        float[] logits = new float[100];
        assertThat(next(50, logits, PLAIN.withTopP(0.405))).isNotEqualTo(Sampler.UNDECIDED);
        assertThat(next(50, logits, PLAIN.withTopP(0.6))).isEqualTo(Sampler.UNDECIDED);
        assertThat(next(50, logits, PLAIN.withTopP(0.9).withTopK(60))).isEqualTo(Sampler.UNDECIDED);
        assertThat(next(50, logits, PLAIN.withMinP(0.1))).isEqualTo(Sampler.UNDECIDED);
        logits[3] = 5;
        assertThat(next(50, logits, PLAIN.withMinP(0.1))).isEqualTo(3);
        assertThat(next(50, logits, PLAIN.withTopP(0.3).withTopK(60))).isEqualTo(3);
    }

    @Test
    void aCutThatTheErrorOfTheMassMovesIsUndecided() {
        // The first two of four hold exactly half.
        float[] logits = new float[4];
        assertThat(next(3, logits, PLAIN.withTopP(0.5))).isEqualTo(Sampler.UNDECIDED);
        assertThat(next(3, logits, PLAIN.withTopP(0.5 - 1e-4))).isNotEqualTo(Sampler.UNDECIDED);
        assertThat(next(3, logits, PLAIN.withTopP(0.5 + 1e-4))).isNotEqualTo(Sampler.UNDECIDED);
    }

    @Test
    void anUndecidedTokenUsesNoRandomNumberUp() {
        float[] logits = new float[1000];
        Sampler few = new Sampler(PLAIN);
        Sampler all = new Sampler(PLAIN);
        Candidates candidates = new Candidates(4, logits.length);
        candidates.read(found(candidates, logits, PLAIN, NOTHING, 0));
        for (int token = 0; token < 100; token++) {
            int expected = all.next(logits, NOTHING);
            int chosen = few.next(candidates);
            assertThat(chosen).isIn(Sampler.UNDECIDED, expected);
            assertThat(few.next(candidates)).as("asked again").isIn(Sampler.UNDECIDED, expected);
            assertThat(few.next(logits, NOTHING)).isEqualTo(expected);
        }
    }

    @Test
    void logitsWithoutANumberAreLeftToTheSamplerOfAll() {
        Candidates candidates = new Candidates(2, 3);
        assertThat(new Sampler(PLAIN).next(candidates)).isEqualTo(Sampler.UNDECIDED);
        MemorySegment result = found(candidates, new float[] {1, 2, 3}, PLAIN, NOTHING, 0);
        result.set(INT, 12, 1);
        candidates.read(result);
        assertThat(new Sampler(PLAIN).next(candidates)).isEqualTo(Sampler.UNDECIDED);
        assertThat(new Sampler(SamplerSettings.greedy()).next(candidates)).isEqualTo(Sampler.UNDECIDED);
    }

    @Test
    void whatCannotBeCandidatesIsRefused() {
        Candidates candidates = new Candidates(2, 3);
        MemorySegment result = found(candidates, new float[] {1, 2, 3}, PLAIN, NOTHING, 0);
        result.set(INT, 16, 3);
        assertThatThrownBy(() -> candidates.read(result))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("candidate 3 of 3 tokens");
        result.set(INT, 8, 3);
        assertThatThrownBy(() -> candidates.read(result))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("3 candidates of 3 tokens, but 2");
        assertThatThrownBy(() -> new Candidates(0, 3)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theInverseOfATemperatureIsFinite() {
        assertThat(PLAIN.withTemperature(0.5).inverseTemperature()).isEqualTo(2);
        assertThat(PLAIN.withTemperature(Double.MIN_VALUE).inverseTemperature()).isEqualTo(1e300);
        assertThat(SamplerSettings.greedy().inverseTemperature()).isEqualTo(1);
    }

    private static SamplerSettings anySettings(Random random) {
        SamplerSettings settings = PLAIN.withSeed(random.nextLong());
        settings = random.nextInt(4) == 0 ? settings.withTopK(random.nextInt(100)) : settings;
        settings = random.nextInt(3) == 0 ? settings.withTopP(0.01 + 0.99 * random.nextDouble()) : settings;
        settings = random.nextInt(5) == 0 ? settings.withMinP(random.nextDouble() / 5) : settings;
        settings = random.nextInt(3) == 0
                ? settings.withRepetition(0.5 + random.nextDouble(), random.nextInt(9))
                : settings;
        double[] temperatures = {0, Double.MIN_VALUE, 0.3, 0.7, 1, 1.5, 100};
        return settings.withTemperature(temperatures[random.nextInt(temperatures.length)]);
    }

    private static float[] anyLogits(Random random, int vocabulary) {
        float[] logits = new float[vocabulary];
        boolean ties = random.nextBoolean();
        boolean holes = random.nextInt(4) == 0;
        for (int id = 0; id < vocabulary; id++) {
            float logit = (float) random.nextGaussian() * 3;
            logits[id] = ties ? Math.round(logit) : logit;
            if (holes && random.nextInt(8) != 0) {
                logits[id] = Float.NEGATIVE_INFINITY;
            }
        }
        logits[random.nextInt(vocabulary)] = 1;
        return logits;
    }

    private static double anyError(Random random) {
        return random.nextBoolean() ? 0 : 0.99 * Candidates.MASS_ERROR * (2 * random.nextDouble() - 1);
    }

    private static int next(int wanted, float[] logits, SamplerSettings settings) {
        Candidates candidates = new Candidates(wanted, logits.length);
        candidates.read(found(candidates, logits, settings, NOTHING, 0));
        return new Sampler(settings).next(candidates);
    }

    private interface Law {
        void check(Candidates candidates, float[] logits, long seed);
    }

    private static void forRandomLogits(int wanted, SamplerSettings settings, Law law) {
        long first = new Random().nextLong();
        for (long seed = first; seed < first + 500; seed++) {
            Random random = new Random(seed);
            float[] logits = anyLogits(random, 1 + random.nextInt(200));
            Candidates candidates = new Candidates(wanted, logits.length);
            candidates.read(found(candidates, logits, settings, NOTHING, anyError(random)));
            law.check(candidates, logits, seed);
        }
    }

    private static void alwaysDecided(int wanted, SamplerSettings settings) {
        forRandomLogits(
                wanted,
                settings,
                (candidates, logits, seed) -> assertThat(new Sampler(settings.withSeed(seed)).next(candidates))
                        .as("seed %d, %s", seed, settings)
                        .isEqualTo(new Sampler(settings.withSeed(seed)).next(logits, NOTHING)));
    }

    /** What the kernel writes, with this error of the mass. */
    private static MemorySegment found(
            Candidates candidates, float[] logits, SamplerSettings settings, TokenWindow recent, double massError) {
        float[] scores = penalized(logits, settings, recent);
        int wanted = (int) (candidates.bytes() - 16) / 8;
        int[] best = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -scores[id])
                        .thenComparing(Comparator.naturalOrder()))
                .limit(wanted)
                .mapToInt(id -> id)
                .toArray();
        double mass = 0;
        for (float score : scores) {
            mass += Math.exp(((double) score - scores[best[0]]) * settings.inverseTemperature());
        }
        MemorySegment result = MemorySegment.ofArray(new byte[(int) candidates.bytes()]);
        result.set(DOUBLE, 0, mass * (1 + massError));
        result.set(INT, 8, best.length);
        for (int rank = 0; rank < best.length; rank++) {
            result.set(INT, 16 + 4L * rank, best[rank]);
            result.set(FLOAT, 16 + 4L * (wanted + rank), scores[best[rank]]);
        }
        return result;
    }

    private static float[] penalized(float[] logits, SamplerSettings settings, TokenWindow recent) {
        float[] scores = logits.clone();
        for (int age = 0; age < Math.min(settings.repetitionWindow(), recent.size()); age++) {
            int id = recent.recent(age);
            double penalty = settings.repetitionPenalty();
            scores[id] = (float) (logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty);
        }
        return scores;
    }
}
