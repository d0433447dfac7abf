package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpeculativeRecallTest {
    private static final int LAYERS = 5;
    private static final int EXPERTS = 8;
    private static final int CHOSEN = 2;
    private static final int AHEAD = 3;

    /** Makes a trace whose guesses begin with the choice, or are by chance. */
    private static RoutingTrace trace(long seed, int tokens, boolean exact) {
        Random random = new Random(seed);
        int[][] order = new int[tokens * LAYERS][];
        java.util.Arrays.setAll(order, i -> RandomScheduler.choice(random, EXPERTS, EXPERTS));
        int[] chosen = new int[tokens * LAYERS * CHOSEN];
        java.util.Arrays.setAll(chosen, i -> order[i / CHOSEN][i % CHOSEN]);
        IntFunction<int[]> guess = exact ? i -> order[i] : i -> RandomScheduler.choice(random, EXPERTS, EXPERTS);
        short[] rankings = new short[tokens * 9 * EXPERTS];
        int filled = 0;
        for (int token = 0; token < tokens; token++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                for (int ahead = 1; ahead <= RoutingGuesses.following(layer, LAYERS, AHEAD); ahead++) {
                    for (int expert : guess.apply(token * LAYERS + layer + ahead)) {
                        rankings[filled++] = (short) expert;
                    }
                }
            }
        }
        assertThat(filled).isEqualTo(rankings.length);
        RoutingGuesses guesses = new RoutingGuesses(LAYERS, EXPERTS, AHEAD, rankings);
        return new RoutingTrace("random", LAYERS, EXPERTS, CHOSEN, chosen, Optional.of(guesses));
    }

    private static SpeculativeRecall recall(RoutingTrace trace) {
        return new SpeculativeRecall(trace, trace.guesses().orElseThrow());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void recallRisesWithTheGuessesAndIsOneWithAllExperts(long seed) {
        SpeculativeRecall recall = recall(trace(seed, 40, false));
        for (int ahead = 1; ahead <= AHEAD; ahead++) {
            for (int layer = ahead; layer < LAYERS; layer++) {
                assertThat(recall.curve(ahead, layer))
                        .hasSize(EXPERTS)
                        .isSorted()
                        .endsWith(1.0);
            }
            assertThat(recall.curve(ahead)).hasSize(EXPERTS).isSorted().endsWith(1.0);
        }
    }

    @Test
    void recallOverAllLayersIsTheMeanOfTheLayers() {
        SpeculativeRecall recall = recall(trace(4, 50, false));
        for (int ahead = 1; ahead <= AHEAD; ahead++) {
            for (int k = 0; k < EXPERTS; k++) {
                double sum = 0;
                for (int layer = ahead; layer < LAYERS; layer++) {
                    sum += recall.curve(ahead, layer).get(k);
                }
                assertThat(recall.curve(ahead).get(k)).isCloseTo(sum / (LAYERS - ahead), within(1e-12));
            }
        }
    }

    @Test
    void guessesByChanceRecallByChance() {
        List<Double> curve = recall(trace(5, 4000, false)).curve(2);
        for (int k = 1; k <= EXPERTS; k++) {
            assertThat(curve.get(k - 1)).isCloseTo((double) k / EXPERTS, within(0.015));
        }
    }

    @Test
    void exactGuessesRecallEverythingAndForeseeEveryMiss() {
        RoutingTrace trace = trace(6, 400, true);
        TraceReplay replay = new TraceReplay(trace);
        for (int ahead = 1; ahead <= AHEAD; ahead++) {
            assertThat(recall(trace).curve(ahead)).startsWith(0.5, 1.0, 1.0);
            GuessWorth worth = replay.worth(PolicyKind.LRU, 4, ahead, CHOSEN);
            assertThat(worth.misses()).isPositive();
            assertThat(worth.foreseen()).isEqualTo(1);
            assertThat(worth.precision()).isEqualTo(1);
            assertThat(worth.wastedPerLayer()).isZero();
            GuessWorth third =
                    replay.worth(PolicyKind.LRU, 4, ahead, CHOSEN + 1).beyond(worth);
            assertThat(third.copied()).isPositive();
            assertThat(third.precision()).isZero();
        }
    }

    @Test
    void allExpertsForeseeEveryMissAndNoneIsCopiedThatIsThere() {
        TraceReplay replay = new TraceReplay(trace(7, 400, false));
        GuessWorth half = replay.worth(PolicyKind.LRU, 4, 1, EXPERTS);
        assertThat(half.foreseen()).isEqualTo(1);
        assertThat(half.layers()).isEqualTo(200L * (LAYERS - 1));
        // Half of eight experts are absent.
        assertThat(half.copied()).isEqualTo(4 * half.layers());
        assertThat(replay.worth(PolicyKind.LRU, EXPERTS, 1, EXPERTS).foreseen()).isZero();
    }

    @Test
    void countsAreThoseWorkedOutByHand() {
        // Two layers, top-1 of 3. Layer 1 chooses 2 and then 0; layer 0 ranked 2 first, and then 0 last.
        RoutingGuesses guesses = new RoutingGuesses(2, 3, 1, new short[] {2, 0, 1, /* token 1 */ 1, 2, 0});
        RoutingTrace trace = new RoutingTrace("hand", 2, 3, 1, new int[] {0, 2, 1, 0}, Optional.of(guesses));
        assertThat(recall(trace).curve(1)).containsExactly(0.5, 0.5, 1.0);
        // The first token warms one slot a layer with expert 2; the second one's guesses 1 and 0 are absent.
        TraceReplay replay = new TraceReplay(trace);
        assertThat(replay.worth(PolicyKind.LRU, 1, 1, 2)).isEqualTo(new GuessWorth(1, 0, 1, 1));
        assertThat(replay.worth(PolicyKind.LRU, 1, 1, 3)).isEqualTo(new GuessWorth(2, 1, 1, 1));
    }

    @Test
    void guessesOfAnotherTraceAreRefused() {
        RoutingGuesses guesses = new RoutingGuesses(2, 3, 1, new short[] {2, 0, 1});
        assertThatThrownBy(() -> new RoutingTrace("m", 2, 3, 1, new int[] {0, 2, 1, 0}, Optional.of(guesses)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("another trace");
        assertThatThrownBy(() -> new RoutingGuesses(2, 3, 2, new short[0])).hasMessageContaining("2 layers ahead");
        assertThatThrownBy(() -> new RoutingGuesses(2, 3, 1, new short[4])).hasMessageContaining("incomplete");
    }
}
