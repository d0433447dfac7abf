package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.text.Candidates;
import dev.gatun.text.Sampler;
import dev.gatun.text.SamplerSettings;
import dev.gatun.text.TokenWindow;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CandidatesTest extends OnKernels {
    CandidatesTest() {
        super("candidates");
    }

    @Test
    void theLargestComeWithWhatAllWeigh() {
        forCases(sample -> new Case(sample, sample.integer("vocabulary", 1, 1, 5000)).check());
    }

    @Test
    void aWholeVocabulary() {
        forCase(sample -> new Case(sample, 151_936).check());
    }

    @Test
    void logitsThatAreNoNumbersSaySo() {
        forCases(sample -> new Case(sample, sample.integer("vocabulary", 1, 1, 5000)).checkSpoilt());
    }

    private final class Case {
        private final Sample sample;
        private final int vocabulary;
        private final int wanted;
        private final SamplerSettings settings;
        private final int[] recent;
        private final float[] logits;
        private final Region error = gpu.zeros(1);
        private Region result;

        Case(Sample sample, int vocabulary) {
            this.sample = sample;
            this.vocabulary = vocabulary;
            wanted = sample.integer("wanted", 1, 1, 256);
            double temperature = new double[] {1, 3.3, 0.2, Double.MIN_VALUE}[sample.oneOf("temperature", 0, 1, 2, 3)];
            recent = new int[sample.oneOf("recents", 0, 1, 100, 3000)];
            Arrays.setAll(recent, i -> sample.below(vocabulary + 10) - 5);
            settings = SamplerSettings.neutral(sample.below(1000))
                    .withTemperature(temperature)
                    .withRepetition(sample.flag("penalty") ? 1.3 : 1, recent.length);
            logits = sample.floats(vocabulary, sample.oneOf("deviation", 1, 5, 50));
            boolean equal = sample.flag("equal");
            for (int i = 0; i < vocabulary; i++) {
                // The first keeps one finite.
                boolean masked = i > 0 && sample.below(30) == 0;
                logits[i] = masked ? Float.NEGATIVE_INFINITY : equal ? Math.round(logits[i]) : logits[i];
            }
        }

        private void run(float[] input) {
            int blocks = sample.integer("blocks", 1, 1, 32);
            result = gpu.output(16 + 8L * wanted);
            Region counter = gpu.zeros(1);
            gpu.run(
                    "gatun_candidates",
                    LaunchShape.of(blocks, 1024),
                    gpu.input(input),
                    vocabulary,
                    recent.length == 0 ? null : gpu.input(recent),
                    recent.length,
                    settings.repetitionPenalty(),
                    settings.inverseTemperature(),
                    wanted,
                    gpu.scratch(blocks * (8L * wanted + 24)),
                    counter,
                    result,
                    error);
            assertThat(counter.ints()).containsExactly(0);
        }

        void check() {
            run(logits);
            float[] changed = logits.clone();
            Arrays.stream(recent)
                    .distinct()
                    .filter(id -> id >= 0 && id < vocabulary)
                    .forEach(id -> {
                        double logit = logits[id];
                        double penalty = settings.repetitionPenalty();
                        changed[id] = (float) (logit > 0 ? logit / penalty : logit * penalty);
                    });
            int[] expected = IntStream.range(0, vocabulary)
                    .boxed()
                    .sorted(Comparator.<Integer>comparingDouble(id -> -changed[id])
                            .thenComparing(id -> id))
                    .limit(wanted)
                    .mapToInt(id -> id)
                    .toArray();
            assertThat(error.ints()).containsExactly(0);
            assertThat(flags()).isZero();
            assertThat(ids()).containsExactly(expected);
            float[] values = values();
            double best = changed[expected[0]];
            double mass = 0;
            for (float value : changed) {
                mass += value == best ? 1 : Math.exp((value - best) * settings.inverseTemperature());
            }
            for (int i = 0; i < values.length; i++) {
                assertThat(values[i]).isEqualTo(changed[expected[i]]);
            }
            assertThat(mass()).isCloseTo(mass, within(1e-5 * mass));
            assertUnwritten();
            checkSampler();
        }

        /** From the candidates the sampler draws what it draws from all logits, as where the CPU has computed them. */
        private void checkSampler() {
            Candidates candidates = new Candidates(wanted, vocabulary);
            candidates.read(bytes());
            TokenWindow window = new TokenWindow(recent.length);
            window.addAll(recent);
            for (SamplerSettings each : List.of(settings, settings.withTopK(5).withTopP(0.9), settings.withMinP(0.1))) {
                int all = new Sampler(each).next(logits, window);
                assertThat(new Sampler(each).next(candidates)).as("%s", each).isIn(all, Sampler.UNDECIDED);
            }
            SamplerSettings greedy = settings.withTemperature(0);
            assertThat(new Sampler(greedy).next(candidates)).isEqualTo(new Sampler(greedy).next(logits, window));
        }

        void checkSpoilt() {
            float[] input = logits.clone();
            switch (sample.oneOf("spoilt", 0, 1, 2)) {
                case 0 -> input[sample.below(vocabulary)] = Float.NaN;
                case 1 -> input[sample.below(vocabulary)] = Float.POSITIVE_INFINITY;
                default -> Arrays.fill(input, Float.NEGATIVE_INFINITY);
            }
            run(input);
            assertThat(error.ints()).containsExactly(ERROR_NAN);
            assertThat(flags()).isEqualTo(ERROR_NAN);
            assertThat(ids()).doesNotHaveDuplicates();
            assertThat(Arrays.stream(ids()).allMatch(id -> id >= 0 && id < vocabulary))
                    .isTrue();
            assertUnwritten();
        }

        private MemorySegment bytes() {
            return result.bytes();
        }

        private double mass() {
            return bytes().get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0);
        }

        private int count() {
            int count = bytes().get(ValueLayout.JAVA_INT_UNALIGNED, 8);
            assertThat(count).isEqualTo(Math.min(wanted, vocabulary));
            return count;
        }

        private int flags() {
            return bytes().get(ValueLayout.JAVA_INT_UNALIGNED, 12);
        }

        private int[] ids() {
            return bytes().asSlice(16, 4L * count()).toArray(ValueLayout.JAVA_INT_UNALIGNED);
        }

        private float[] values() {
            return bytes().asSlice(16 + 4L * wanted, 4L * count()).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        }

        private void assertUnwritten() {
            long behind = 4L * count();
            for (long list : new long[] {16, 16 + 4L * wanted}) {
                for (long at = list + behind; at < list + 4L * wanted; at++) {
                    assertThat(bytes().get(ValueLayout.JAVA_BYTE, at)).isEqualTo((byte) -1);
                }
            }
        }
    }
}
