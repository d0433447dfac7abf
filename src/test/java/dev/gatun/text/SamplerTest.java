package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.ObjLongConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a sampler may draw, must draw and how often. */
class SamplerTest {
    private static final TokenWindow NOTHING = new TokenWindow(0);
    private static final SamplerSettings PLAIN = SamplerSettings.neutral(42);

    @Test
    void topOneIsGreedy() {
        forRandomLogits((logits, seed) -> {
            SamplerSettings topOne = PLAIN.withTopK(1).withSeed(seed);
            assertThat(new Sampler(topOne).next(logits, NOTHING)).isEqualTo(greedy(logits));
        });
    }

    @Test
    void greedyTakesTheLowestIdOfTheLikeliest() {
        forRandomLogits((logits, seed) -> {
            int id = greedy(logits);
            for (int other = 0; other < logits.length; other++) {
                assertThat(logits[other]).as("seed %d", seed).isLessThanOrEqualTo(logits[id]);
                assertThat(other < id && logits[other] == logits[id])
                        .as("seed %d", seed)
                        .isFalse();
            }
        });
    }

    @Test
    void topKDrawsOnlyFromTheKLikeliest() {
        forRandomLogits((logits, seed) -> {
            int k = 1 + (int) Math.floorMod(seed, 10L);
            List<Integer> allowed = ranked(logits).subList(0, Math.min(k, logits.length));
            assertDrawsOnly(allowed, logits, PLAIN.withTopK(k).withSeed(seed));
        });
    }

    @Test
    void topPDrawsOnlyFromTheSmallestNucleus() {
        forRandomLogits((logits, seed) -> {
            double topP = 0.05 + 0.9 * new SplitMix64(seed).nextDouble();
            assertDrawsOnly(
                    nucleus(logits, ranked(logits), topP),
                    logits,
                    PLAIN.withTopP(topP).withSeed(seed));
        });
    }

    @Test
    void topPMeasuresItsShareAmongTheTopK() {
        forRandomLogits((logits, seed) -> {
            List<Integer> topK = ranked(logits).subList(0, Math.min(5, logits.length));
            assertDrawsOnly(
                    nucleus(logits, topK, 0.6),
                    logits,
                    PLAIN.withTopK(5).withTopP(0.6).withSeed(seed));
        });
    }

    @Test
    void theWholeNucleusCanBeDrawn() {
        float[] logits = logarithms(0.4, 0.3, 0.2, 0.1);
        assertThat(drawn(logits, PLAIN.withTopP(0.75), 2000)).containsOnly(0, 1, 2);
        assertThat(drawn(logits, PLAIN.withTopP(0.65), 2000)).containsOnly(0, 1);
        assertThat(drawn(logits, PLAIN.withTopP(1e-9), 2000)).containsOnly(0);
        assertThat(drawn(logits, PLAIN, 2000)).containsOnly(0, 1, 2, 3);
    }

    @Test
    void minPDrawsOnlyWhatIsLikelyEnoughBesideTheLikeliest() {
        forRandomLogits((logits, seed) -> {
            double minP = new SplitMix64(seed).nextDouble();
            float best = logits[greedy(logits)];
            List<Integer> allowed = IntStream.range(0, logits.length)
                    .filter(id -> Math.exp((double) logits[id] - best) >= minP)
                    .boxed()
                    .toList();
            assertDrawsOnly(allowed, logits, PLAIN.withMinP(minP).withSeed(seed));
        });
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.5, 1, 2})
    void tokensAreDrawnAsOftenAsTheSoftmaxSays(double temperature) {
        float[] logits = {1.5f, -0.5f, 0.25f, 2, Float.NEGATIVE_INFINITY, 0, 1, -1};
        int[] counts = counts(logits, PLAIN.withTemperature(temperature), 200_000);
        assertThat(counts[4]).isZero();
        // The 99.99 % point of chi-square with 6 degrees of freedom; the seed is fixed.
        assertThat(chiSquare(counts, softmax(logits, temperature))).isLessThan(27.9);
    }

    @Test
    void cutTokensAreDrawnAsOftenAsTheirSoftmaxSays() {
        float[] logits = logarithms(0.4, 0.1, 0.3, 0.05, 0.15);
        int[] counts = counts(logits, PLAIN.withTopK(4).withTopP(0.8).withMinP(0.2), 200_000);
        // Three of the top four hold 0.85 of 0.95, more than 0.8; the first two only 0.7.
        assertThat(chiSquare(counts, new double[] {0.4 / 0.85, 0, 0.3 / 0.85, 0, 0.15 / 0.85}))
                .isLessThan(18.5);
    }

    @Test
    void aPenaltyDividesPositiveAndMultipliesNegativeLogitsOnce() {
        TokenWindow recent = new TokenWindow(10);
        recent.addAll(new int[] {1, 3, 1, 1, 3});
        float[] logits = {0, 1, 0.5f, -1};
        int[] counts = counts(logits, PLAIN.withRepetition(2, 10), 200_000, recent);
        assertThat(chiSquare(counts, softmax(new float[] {0, 0.5f, 0.5f, -2}, 1)))
                .isLessThan(21.1);
    }

    @Test
    void aPenaltyMakesNoTokenOfTheWindowLikelier() {
        forRandomLogits((logits, seed) -> {
            int id = greedy(logits);
            TokenWindow recent = new TokenWindow(4);
            recent.add(id);
            SamplerSettings penalty = SamplerSettings.greedy().withRepetition(1.5, 4);
            int next = new Sampler(penalty).next(logits, recent);
            float penalized = logits[id] > 0 ? logits[id] / 1.5f : logits[id] * 1.5f;
            assertThat(next == id || logits[next] >= penalized)
                    .as("seed %d", seed)
                    .isTrue();
        });
    }

    @Test
    void tokensOutsideTheWindowAreNotPenalized() {
        float[] logits = {1, 0.9f};
        TokenWindow recent = new TokenWindow(3);
        SamplerSettings settings = SamplerSettings.greedy().withRepetition(2, 2);
        recent.addAll(new int[] {0, 1, 1});
        assertThat(new Sampler(settings).next(logits, recent)).isZero();
        recent.add(0);
        assertThat(new Sampler(settings).next(new float[] {1, 0.6f, 0.55f}, recent))
                .isEqualTo(2);
    }

    @Test
    void otherNamesForTheTokensChangeNothingElse() {
        forRandomLogits((logits, seed) -> {
            float[] distinct = logits.clone();
            for (int id = 0; id < distinct.length; id++) {
                distinct[id] += id * 1e-3f;
            }
            List<Integer> names =
                    new ArrayList<>(IntStream.range(0, logits.length).boxed().toList());
            Collections.shuffle(names, new Random(seed));
            float[] renamed = new float[logits.length];
            IntStream.range(0, logits.length).forEach(id -> renamed[names.get(id)] = distinct[id]);
            for (SamplerSettings settings : List.of(PLAIN, PLAIN.withTopK(3), PLAIN.withTopP(0.7))) {
                int id = new Sampler(settings.withSeed(seed)).next(distinct, NOTHING);
                assertThat(new Sampler(settings.withSeed(seed)).next(renamed, NOTHING))
                        .as("seed %d", seed)
                        .isEqualTo(names.get(id));
            }
        });
    }

    @Test
    void theSameSeedDrawsTheSameTokens() {
        float[] logits = logarithms(0.2, 0.2, 0.2, 0.2, 0.2);
        assertThat(sequence(logits, PLAIN, 100)).isEqualTo(sequence(logits, PLAIN, 100));
        assertThat(sequence(logits, PLAIN, 100)).isNotEqualTo(sequence(logits, PLAIN.withSeed(43), 100));
    }

    @Test
    void theNumbersOfASeedNeverChange() {
        // The published first outputs of SplitMix64 for seed 1234567.
        SplitMix64 random = new SplitMix64(1234567);
        assertThat(random.nextLong()).isEqualTo(6457827717110365317L);
        assertThat(random.nextLong()).isEqualTo(3203168211198807973L);
        assertThat(new SplitMix64(1234567).nextDouble()).isEqualTo(0.3500788, within(1e-4));
    }

    @Test
    void logitsStayUnchanged() {
        forRandomLogits((logits, seed) -> {
            float[] before = logits.clone();
            TokenWindow recent = new TokenWindow(1);
            recent.add(0);
            new Sampler(PLAIN.withRepetition(2, 1).withTopP(0.5)).next(logits, recent);
            assertThat(logits).as("seed %d", seed).containsExactly(before);
        });
    }

    @Test
    void logitsWithoutANumberAreRefused() {
        for (SamplerSettings settings : List.of(PLAIN, SamplerSettings.greedy(), PLAIN.withTopK(1))) {
            assertRefused(settings, 0, Float.NaN, 1);
            assertRefused(settings, 0, Float.POSITIVE_INFINITY);
            assertRefused(settings, Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY);
            assertRefused(settings);
        }
    }

    @Test
    void theOnlyPossibleTokenIsDrawnHoweverItIsPenalized() {
        float[] logits = {Float.NEGATIVE_INFINITY, -Float.MAX_VALUE, Float.NEGATIVE_INFINITY};
        TokenWindow recent = new TokenWindow(1);
        recent.add(1);
        assertThat(new Sampler(PLAIN.withRepetition(100, 1)).next(logits, recent))
                .isEqualTo(1);
    }

    @Test
    void theSmallestTemperatureIsGreedy() {
        forRandomLogits((logits, seed) -> {
            float best = logits[greedy(logits)];
            int id = new Sampler(PLAIN.withTemperature(Double.MIN_VALUE).withSeed(seed)).next(logits, NOTHING);
            assertThat(logits[id]).as("seed %d", seed).isEqualTo(best);
        });
    }

    @Test
    void settingsOutOfRangeAreRefusedWithTheirValue() {
        assertOutOfRange(() -> PLAIN.withTemperature(-0.1), "temperature: -0.1; it must be from 0 to 100");
        assertOutOfRange(() -> PLAIN.withTemperature(Double.NaN), "temperature: NaN");
        assertOutOfRange(() -> PLAIN.withTopK(-1), "top-k: -1");
        assertOutOfRange(() -> PLAIN.withTopP(0), "top-p: 0.0");
        assertOutOfRange(() -> PLAIN.withTopP(1.1), "top-p: 1.1");
        assertOutOfRange(() -> PLAIN.withTopP(Double.NaN), "top-p: NaN");
        assertOutOfRange(() -> PLAIN.withMinP(-1), "min-p: -1.0");
        assertOutOfRange(() -> PLAIN.withMinP(Double.NaN), "min-p: NaN");
        assertOutOfRange(() -> PLAIN.withRepetition(0, 1), "repetition penalty: 0.0");
        assertOutOfRange(() -> PLAIN.withRepetition(Double.POSITIVE_INFINITY, 1), "repetition penalty: Infinity");
        assertOutOfRange(() -> PLAIN.withRepetition(1, -1), "repetition window: -1");
        assertOutOfRange(() -> new TokenWindow(-1), "token window: -1");
    }

    private static void assertOutOfRange(Runnable settings, String message) {
        assertThatThrownBy(settings::run)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    private static void assertRefused(SamplerSettings settings, float... logits) {
        assertThatThrownBy(() -> new Sampler(settings).next(logits, NOTHING))
                .isInstanceOf(NonFiniteLogitsException.class);
    }

    private static void assertDrawsOnly(List<Integer> allowed, float[] logits, SamplerSettings settings) {
        Sampler sampler = new Sampler(settings);
        for (int i = 0; i < 20; i++) {
            assertThat(allowed).as("%s", settings).contains(sampler.next(logits, NOTHING));
        }
    }

    private static void forRandomLogits(ObjLongConsumer<float[]> law) {
        long first = new Random().nextLong();
        for (long seed = first; seed < first + 500; seed++) {
            Random random = new Random(seed);
            float[] logits = new float[1 + random.nextInt(60)];
            for (int id = 0; id < logits.length; id++) {
                // Coarse steps, so that ties occur.
                logits[id] = Math.round(random.nextGaussian() * 8) / 4f;
            }
            law.accept(logits, seed);
        }
    }

    private static int greedy(float[] logits) {
        return new Sampler(SamplerSettings.greedy()).next(logits, NOTHING);
    }

    private static List<Integer> ranked(float[] logits) {
        return IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -logits[id])
                        .thenComparing(Comparator.naturalOrder()))
                .toList();
    }

    private static List<Integer> nucleus(float[] logits, List<Integer> ranked, double share) {
        double mass = ranked.stream().mapToDouble(id -> Math.exp(logits[id])).sum();
        double sum = 0;
        for (int rank = 0; rank < ranked.size(); rank++) {
            sum += Math.exp(logits[ranked.get(rank)]);
            if (sum >= share * mass) {
                return ranked.subList(0, rank + 1);
            }
        }
        return ranked;
    }

    private static float[] logarithms(double... probabilities) {
        float[] logits = new float[probabilities.length];
        for (int id = 0; id < logits.length; id++) {
            logits[id] = (float) Math.log(probabilities[id]);
        }
        return logits;
    }

    private static double[] softmax(float[] logits, double temperature) {
        double[] weights = new double[logits.length];
        double sum = 0;
        for (int id = 0; id < logits.length; id++) {
            weights[id] = Math.exp(logits[id] / temperature);
            sum += weights[id];
        }
        for (int id = 0; id < logits.length; id++) {
            weights[id] /= sum;
        }
        return weights;
    }

    private static int[] counts(float[] logits, SamplerSettings settings, int draws) {
        return counts(logits, settings, draws, NOTHING);
    }

    private static int[] counts(float[] logits, SamplerSettings settings, int draws, TokenWindow recent) {
        Sampler sampler = new Sampler(settings);
        int[] counts = new int[logits.length];
        for (int i = 0; i < draws; i++) {
            counts[sampler.next(logits, recent)]++;
        }
        return counts;
    }

    private static List<Integer> drawn(float[] logits, SamplerSettings settings, int draws) {
        return sequence(logits, settings, draws).stream().distinct().toList();
    }

    private static List<Integer> sequence(float[] logits, SamplerSettings settings, int draws) {
        Sampler sampler = new Sampler(settings);
        return IntStream.range(0, draws)
                .mapToObj(_ -> sampler.next(logits, NOTHING))
                .toList();
    }

    private static double chiSquare(int[] counts, double[] probabilities) {
        double draws = IntStream.of(counts).sum();
        double sum = 0;
        for (int id = 0; id < counts.length; id++) {
            double expected = probabilities[id] * draws;
            if (expected == 0) {
                assertThat(counts[id]).isZero();
            } else {
                sum += (counts[id] - expected) * (counts[id] - expected) / expected;
            }
        }
        return sum;
    }
}
