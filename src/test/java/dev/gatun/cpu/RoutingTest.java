package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The choice of experts and their weights. */
class RoutingTest extends OnEveryLevel {
    @Test
    void theLargestLogitsAreChosenInOrder() {
        Cases.random(60, random -> requireRouted(random, Cases.between(random, 1, 128), false));
    }

    @Test
    void tiesGoToTheLowerId() {
        Cases.random(60, random -> requireRouted(random, Cases.between(random, 2, 20), true));
    }

    private void requireRouted(Random random, int experts, boolean hasTies) {
        try (Arena arena = Arena.ofConfined()) {
            int topK = Cases.between(random, 1, Math.min(experts, 8));
            int tokens = Cases.tokens(random);
            float[] logits = new float[tokens * experts];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = hasTies ? random.nextInt(3) : (float) (random.nextGaussian() * 5);
            }
            MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, (long) tokens * topK);
            MemorySegment weights = arena.allocate(ValueLayout.JAVA_FLOAT, (long) tokens * topK);

            pool.route(Guarded.of(arena, tokens, experts, logits), topK, ids, weights);

            for (int t = 0; t < tokens; t++) {
                float[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
                List<Integer> chosen = Reference.route(row, topK);
                double[] expected = Reference.softmax(
                        chosen.stream().mapToDouble(id -> row[id]).toArray());
                for (int j = 0; j < topK; j++) {
                    assertThat(ids.getAtIndex(ValueLayout.JAVA_INT, t * topK + j))
                            .isEqualTo(chosen.get(j));
                    assertThat((double) weights.getAtIndex(ValueLayout.JAVA_FLOAT, t * topK + j))
                            .isCloseTo(expected[j], within(1e-6));
                }
            }
        }
    }

    @Test
    void logitsOfAnySizeGiveWeights() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, 2);
            MemorySegment weights = arena.allocate(ValueLayout.JAVA_FLOAT, 2);
            pool.route(Guarded.of(arena, 1, 3, new float[] {-3e38f, 3e38f, 3e38f}), 2, ids, weights);
            assertThat(ids.toArray(ValueLayout.JAVA_INT)).containsExactly(1, 2);
            assertThat(weights.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(0.5f, 0.5f);
        }
    }

    @Test
    void aNanIsReportedAndLeavesIdsInRange() {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int tokens = Cases.tokens(random);
                float[] logits = Cases.values(random, tokens * 8);
                logits[random.nextInt(logits.length)] = Float.NaN;
                MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, tokens * 2L);
                MemorySegment weights = arena.allocate(ValueLayout.JAVA_FLOAT, tokens * 2L);
                ids.fill((byte) -1);

                FloatMatrix matrix = Guarded.of(arena, tokens, 8, logits);
                assertThatThrownBy(() -> pool.route(matrix, 2, ids, weights))
                        .isInstanceOf(CpuException.class)
                        .hasMessageContaining("routing: a logit is NaN");
                assertThat(Arrays.stream(ids.toArray(ValueLayout.JAVA_INT)).boxed())
                        .allMatch(id -> id >= 0 && id < 8);
            }
        });
    }
}
