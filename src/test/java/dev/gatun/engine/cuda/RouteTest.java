package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RouteTest extends OnKernels {
    private static final float EPSILON = 1e-5f;

    RouteTest() {
        super("route");
    }

    @Test
    void theBestExpertsShareTheWeight() {
        forCases(sample -> new Case(sample).check());
    }

    @Test
    void aRouterThatIsNotANumberSaysSo() {
        forCases(sample -> new Case(sample).checkSpoilt());
    }

    private final class Case {
        private final Sample sample;
        private final FloatType type;
        private final int tokens;
        private final int hidden;
        private final int experts;
        private final int topK;
        private final float[] x;
        private final float[] norm;
        private final MemorySegment gate;
        private final KnownMatrix known;
        private final Region error = gpu.zeros(1);
        private final Region ids;
        private final Region shares;
        private final int[] forced;
        private final int place;
        private final int sequence;
        private final Region published;
        private final Region handed;
        private final Region handedWeights;

        Case(Sample sample) {
            this.sample = sample;
            type = sample.oneOf("type", FloatType.values());
            tokens = sample.integer("tokens", 1, 9);
            hidden = sample.integer("hidden", 4, 1, 1500);
            experts = sample.integer("experts", 1, 1, 128);
            topK = sample.integer("top k", 1, Math.min(8, experts));
            x = sample.rows(tokens, hidden);
            norm = sample.norm(hidden);
            DenseMatrix matrix = sample.dense(type, experts, hidden);
            gate = Arena.ofAuto().allocate(matrix.values().byteSize()).copyFrom(matrix.values());
            if (sample.flag("equal")) {
                // The last expert is as good as the first.
                long row = (long) hidden * type.bytes();
                MemorySegment.copy(gate, 0, gate, (experts - 1) * row, row);
            }
            known = KnownMatrix.of(new DenseMatrix(type, experts, hidden, gate));
            ids = gpu.outputInts((long) tokens * topK);
            shares = gpu.outputFloats((long) tokens * topK);
            forced = sample.flag("forced") ? forcedChoices() : null;
            place = sample.integer("place", 0, 3);
            sequence = sample.integer("sequence", 1, 255);
            published = sample.flag("published") ? gpu.output((place + tokens) * 8L) : null;
            boolean handsOver = published != null && sample.flag("handed");
            handed = handsOver ? gpu.outputFloats(x.length) : null;
            handedWeights = handsOver ? gpu.outputFloats((long) tokens * topK) : null;
        }

        private int[] forcedChoices() {
            int[] choices = new int[tokens * topK];
            for (int t = 0; t < tokens; t++) {
                int first = sample.integer("first", 0, experts - 1);
                for (int rank = 0; rank < topK; rank++) {
                    choices[t * topK + rank] = (first + rank) % experts;
                }
            }
            return choices;
        }

        private void run(float[] input, Region normed) {
            gpu.run(
                    "gatun_route",
                    LaunchShape.of(tokens, 1024),
                    gpu.input(input),
                    gpu.input(norm),
                    EPSILON,
                    gpu.input(gate),
                    FloatTypes.code(type),
                    hidden,
                    experts,
                    topK,
                    normed,
                    ids,
                    shares,
                    error,
                    forced == null ? null : gpu.input(forced),
                    published,
                    place,
                    gpu.input(sequence),
                    handed,
                    handedWeights);
        }

        void check() {
            Region normed = handed != null || sample.flag("normed") ? gpu.outputFloats(x.length) : null;
            run(x, normed);
            Expected n = oracles.normed(norm, EPSILON, Expected.input(hidden, x));
            Expected logits = oracles.product(known, n);
            Choices library = oracles.route(logits.library(), experts, topK);
            assertThat(error.ints()).containsExactly(0);
            if (normed != null) {
                n.requireNear(normed.floats(), 1e-6);
            }
            if (handed != null) {
                assertThat(handed.floats()).isEqualTo(normed.floats());
                assertThat(handedWeights.floats()).isEqualTo(shares.floats());
            }
            checkPublished();
            for (int t = 0; t < tokens; t++) {
                double[] row = Arrays.copyOfRange(logits.exact(), t * experts, (t + 1) * experts);
                int[] chosen = Arrays.copyOfRange(ids.ints(), t * topK, (t + 1) * topK);
                float[] weights = Arrays.copyOfRange(shares.floats(), t * topK, (t + 1) * topK);
                checkToken(t, row, chosen, weights);
                if (forced == null) {
                    checkLibrary(t, row, chosen, weights, library);
                }
            }
        }

        private static double rounding(double[] logits) {
            return 1e-5 * Arrays.stream(logits).map(Math::abs).max().orElseThrow() + 1e-6;
        }

        /** Rank by rank the same expert, or one as good but for rounding. */
        private void checkLibrary(int token, double[] logits, int[] chosen, float[] weights, Choices library) {
            double near = 2 * rounding(logits);
            double[] shares = new double[topK];
            for (int rank = 0; rank < topK; rank++) {
                int other = library.ids()[token * topK + rank];
                assertThat(logits[chosen[rank]])
                        .as("rank %d: expert %d, and %d of the CPU library", rank, chosen[rank], other)
                        .isCloseTo(logits[other], within(near));
                shares[rank] = library.weights()[token * topK + rank];
            }
            Nearness.require("weights against the CPU library", weights, shares, 1e-4 + 2 * near, 0);
        }

        private void checkPublished() {
            for (int t = 0; published != null && t < tokens; t++) {
                long word = sequence;
                for (int rank = 0; rank < topK; rank++) {
                    word |= (long) ids.ints()[t * topK + rank] << (8 + 7 * rank);
                }
                assertThat(published.bytes().get(ValueLayout.JAVA_LONG_UNALIGNED, (place + t) * 8L))
                        .isEqualTo(word);
            }
        }

        /** Which of two nearly equal experts is the better one is a matter of rounding; of two equal ones it is not. */
        private void checkToken(int token, double[] logits, int[] chosen, float[] weights) {
            double near = rounding(logits);
            assertThat(chosen).doesNotHaveDuplicates();
            if (forced != null) {
                assertThat(chosen).isEqualTo(Arrays.copyOfRange(forced, token * topK, (token + 1) * topK));
                checkWeights(logits, chosen, weights);
                return;
            }
            boolean[] passed = new boolean[experts];
            for (int id : chosen) {
                double best = IntStream.range(0, experts)
                        .filter(e -> !passed[e])
                        .mapToDouble(e -> logits[e])
                        .max()
                        .orElseThrow();
                assertThat(logits[id]).isGreaterThanOrEqualTo(best - near);
                for (int e = 0; e < id; e++) {
                    assertThat(logits[e] == logits[id] && !passed[e])
                            .as("expert %d before its equal %d", id, e)
                            .isFalse();
                }
                passed[id] = true;
            }
            checkWeights(logits, chosen, weights);
        }

        private void checkWeights(double[] logits, int[] chosen, float[] weights) {
            double largest =
                    Arrays.stream(chosen).mapToDouble(id -> logits[id]).max().orElseThrow();
            double total = Arrays.stream(chosen)
                    .mapToDouble(id -> Math.exp(logits[id] - largest))
                    .sum();
            double[] expected = Arrays.stream(chosen)
                    .mapToDouble(id -> Math.exp(logits[id] - largest) / total)
                    .toArray();
            Nearness.require("weights", weights, expected, 1e-4, 0);
        }

        void checkSpoilt() {
            float[] input = x.clone();
            input[sample.below(input.length)] = sample.flag("infinite") ? Float.POSITIVE_INFINITY : Float.NaN;
            run(input, null);
            assertThat(error.ints()).containsExactly(ERROR_NAN);
            for (int t = 0; t < tokens; t++) {
                int[] chosen = Arrays.copyOfRange(ids.ints(), t * topK, (t + 1) * topK);
                assertThat(chosen).doesNotHaveDuplicates();
                assertThat(Arrays.stream(chosen).allMatch(id -> id >= 0 && id < experts))
                        .isTrue();
            }
            for (float share : shares.floats()) {
                assertThat(Float.isFinite(share)).isTrue();
            }
        }
    }
}
