package dev.gatun.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.GatunException;
import dev.gatun.checkpoint.Seeds;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.CacheShape.Sharing;
import dev.gatun.offload.PolicyKind;
import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.TraceReplay;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoutingScriptTest {
    /** 4 of 8 experts of each of 32 layers. */
    private static final CacheShape HALF = new CacheShape(32, 8, 128, 4, Sharing.PER_LAYER);

    @RepeatedTest(20)
    void choicesAreDifferentExpertsOfTheLayer() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        int layers = random.nextInt(1, 5);
        int experts = random.nextInt(1, 20);
        int topK = random.nextInt(1, experts + 1);
        RoutingScript script = new RoutingScript(3 * random.nextDouble(), random.nextInt(3) / 2.0);
        RoutingTrace trace = script.trace(layers, experts, topK, 50, random.nextLong());
        assertThat(trace.tokens()).isEqualTo(50);
        for (int token = 0; token < 50; token++) {
            for (int layer = 0; layer < layers; layer++) {
                int[] choice = choice(trace, token, layer);
                assertThat(choice).as(Seeds.hint(seed)).doesNotHaveDuplicates();
                assertThat(IntStream.of(choice))
                        .as(Seeds.hint(seed))
                        .allMatch(expert -> expert >= 0 && expert < experts);
            }
        }
    }

    @RepeatedTest(5)
    void theSameSeedGivesTheSameAndFewerTokensTheBeginning() {
        long seed = Seeds.next();
        RoutingScript script = RoutingScript.REAL_TEXT;
        RoutingTrace trace = script.trace(4, 8, 2, 60, seed);
        RoutingTrace beginning = script.trace(4, 8, 2, 40, seed);
        RoutingTrace other = script.trace(4, 8, 2, 40, seed + 1);
        int differing = 0;
        for (int token = 0; token < 40; token++) {
            for (int layer = 0; layer < 4; layer++) {
                int[] choice = choice(trace, token, layer);
                assertThat(choice(beginning, token, layer)).as(Seeds.hint(seed)).isEqualTo(choice);
                differing += Arrays.equals(choice(other, token, layer), choice) ? 0 : 1;
            }
        }
        assertThat(differing).as(Seeds.hint(seed)).isGreaterThan(80);
    }

    @Test
    void withoutSkewAllExpertsAreUsedAlike() {
        for (double repetition : new double[] {0, 0.7}) {
            long[] uses =
                    new RoutingScript(0, repetition).trace(3, 8, 2, 20_000, 5).uses();
            assertThat(Arrays.stream(uses)).allMatch(count -> Math.abs(count - 5000) < 400);
        }
    }

    @Test
    void withSkewEachLayerHasFavouritesOfItsOwn() {
        long[] uses = new RoutingScript(1, 0).trace(16, 8, 1, 20_000, 5).uses();
        // The weights 1, 1/2, ... 1/8 of 2.718 in all.
        double[] expected = IntStream.rangeClosed(1, 8)
                .mapToDouble(rank -> 20_000 / 2.718 / rank)
                .toArray();
        long[] favourites = new long[16];
        for (int layer = 0; layer < 16; layer++) {
            long[] own = Arrays.copyOfRange(uses, layer * 8, layer * 8 + 8);
            long[] falling = Arrays.stream(own)
                    .map(count -> -count)
                    .sorted()
                    .map(count -> -count)
                    .toArray();
            for (int rank = 0; rank < 8; rank++) {
                assertThat((double) falling[rank]).isCloseTo(expected[rank], within(0.1 * expected[rank]));
            }
            favourites[layer] = Arrays.stream(own).boxed().toList().indexOf(falling[0]);
        }
        assertThat(Arrays.stream(favourites).distinct().count()).isGreaterThan(3);
    }

    @ParameterizedTest
    @CsvSource({"0, 0.25", "0.5, 0.625", "0.9, 0.925", "1, 1"})
    void repetitionIsHowOftenAnExpertStays(double repetition, double expected) {
        // Of those that go, one may be drawn again: with 1 of 4 a quarter of them.
        RoutingTrace trace = new RoutingScript(0, repetition).trace(1, 4, 1, 40_000, 3);
        long kept = IntStream.range(1, trace.tokens())
                .filter(token -> choice(trace, token, 0)[0] == choice(trace, token - 1, 0)[0])
                .count();
        assertThat((double) kept / (trace.tokens() - 1)).isCloseTo(expected, within(0.01));
    }

    @Test
    void thePresetsHitAsTheyPromise() {
        for (long seed = 0; seed < 5; seed++) {
            assertThat(hitRatio(RoutingScript.UNIFORM, HALF, seed)).isCloseTo(0.5, within(0.01));
            assertThat(hitRatio(RoutingScript.REAL_TEXT, HALF, seed)).isCloseTo(0.6, within(0.01));
        }
    }

    @ParameterizedTest
    @CsvSource({"0.6, 128, PER_LAYER", "0.7, 128, POOL", "0.9, 128, POOL", "0.9, 70, PER_LAYER", "0.75, 96, POOL"})
    void anyHitRatioAboveChanceCanBeHad(double ratio, int slots, Sharing sharing) {
        CacheShape cache = new CacheShape(32, 8, slots, 4, sharing);
        RoutingScript script = RoutingScript.forHitRatio(ratio, cache, 2);
        assertThat(hitRatio(script, cache, 99)).isCloseTo(ratio, within(0.01));
    }

    private static double hitRatio(RoutingScript script, CacheShape cache, long seed) {
        RoutingTrace trace = script.trace(cache.layers(), cache.experts(), 2, 3000, seed);
        return new TraceReplay(trace).counts(PolicyKind.LRU, cache).hitRatio();
    }

    @Test
    void whatCannotBeHadIsRefused() {
        assertThatThrownBy(() -> RoutingScript.forHitRatio(0.4, HALF, 2))
                .isInstanceOf(GatunException.class)
                .hasMessage("hit ratio: must be from 0.50 to 1 for 128 slots of 256 experts, but is 0.4");
        assertThatThrownBy(() -> RoutingScript.forHitRatio(Double.NaN, HALF, 2)).isInstanceOf(GatunException.class);
        assertThatThrownBy(() -> RoutingScript.forHitRatio(1.1, HALF, 2)).isInstanceOf(GatunException.class);
        assertThatIllegalArgumentException().isThrownBy(() -> new RoutingScript(-1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new RoutingScript(Double.NaN, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new RoutingScript(0, 1.01));
        assertThatIllegalArgumentException().isThrownBy(() -> new RoutingScript(0, Double.NaN));
    }

    private static int[] choice(RoutingTrace trace, int token, int layer) {
        int[] choice = new int[trace.expertsPerToken()];
        trace.copyChoice(token, layer, choice);
        return choice;
    }
}
