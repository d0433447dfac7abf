package dev.gatun.engine.cuda;

import static dev.gatun.cpu.Reference.widen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The CPU library does both inside of its experts: it is compared with in {@link BatchExpertsTest}. */
class GroupTest extends OnKernels {
    GroupTest() {
        super("group");
    }

    @Test
    void choicesAreSortedByExpertAndUnknownOnesLeftOut() {
        forCases(sample -> check(sample, sample.integer("choices", 1, 1, 3000)));
    }

    @Test
    void aLongPrompt() {
        forCase(sample -> check(sample, 4096 * 8));
    }

    private void check(Sample sample, int choices) {
        int experts = sample.integer("experts", 1, 1, 128);
        int[] ids = new int[choices];
        Arrays.setAll(ids, i -> sample.below(experts));
        boolean unknown = sample.flag("unknown");
        if (unknown) {
            for (int i = 0; i <= choices / 10; i++) {
                ids[sample.below(choices)] = sample.below(2) == 0 ? -1 - i : experts + i;
            }
        }
        int[] sorted = IntStream.range(0, choices)
                .filter(i -> ids[i] >= 0 && ids[i] < experts)
                .boxed()
                .sorted(Comparator.comparingInt(i -> ids[i]))
                .mapToInt(i -> i)
                .toArray();
        Region offsets = gpu.outputInts(experts + 1);
        Region order = gpu.outputInts(choices);
        Region place = gpu.outputInts(choices);
        Region error = gpu.zeros(1);
        LaunchShape shape = LaunchShape.of(1, 1024);
        gpu.run("gatun_group_tokens", shape, gpu.input(ids), choices, experts, offsets, order, place, error);
        assertThat(error.ints()).containsExactly(unknown ? ERROR_ID : 0);
        assertThat(Arrays.copyOf(order.ints(), sorted.length)).containsExactly(sorted);
        for (int i = sorted.length; i < choices; i++) {
            assertThat(order.ints()[i]).as("not written").isEqualTo(-1);
        }
        int[] places = new int[choices];
        Arrays.fill(places, -1);
        for (int i = 0; i < sorted.length; i++) {
            places[sorted[i]] = i;
        }
        assertThat(place.ints()).containsExactly(places);
        for (int e = 0; e <= experts; e++) {
            int expert = e;
            assertThat(offsets.ints()[e]).isEqualTo((int)
                    Arrays.stream(sorted).filter(i -> ids[i] < expert).count());
        }
    }

    @Test
    void resultsGoOntoTheResidualByTheirWeights() {
        forCases(sample -> {
            int tokens = sample.integer("tokens", 1, 1, 300);
            int topK = sample.integer("top k", 1, 8);
            int columns = sample.integer("columns", 4, 1, 300);
            int[] place = sample.choices(1, tokens * topK, tokens * topK);
            for (int i = 0; i < place.length; i++) {
                place[i] = sample.below(10) == 0 ? -1 : place[i];
            }
            float[] y = sample.floats(place.length * columns, 1);
            float[] weights = sample.floats(place.length, 1);
            float[] residual = sample.floats(tokens * columns, 1);
            double[] expected = widen(residual);
            for (int i = 0; i < place.length; i++) {
                for (int k = 0; k < columns && place[i] >= 0; k++) {
                    expected[i / topK * columns + k] += (double) weights[i] * y[place[i] * columns + k];
                }
            }
            Region out = gpu.output(residual);
            gpu.run(
                    "gatun_combine_experts",
                    LaunchShape.of(tokens, 256),
                    gpu.input(y),
                    gpu.input(place),
                    gpu.input(weights),
                    topK,
                    columns,
                    out);
            Expected.ofDefinition(columns, expected).requireNear(out.floats(), 1e-6);
        });
    }
}
