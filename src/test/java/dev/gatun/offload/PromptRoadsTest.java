package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class PromptRoadsTest {
    private static final double LINK = 1.2e-3;
    private static final double[] GROUP = {0.8e-3, 0.9e-3, 1.1e-3, 1.4e-3};

    private static double processor(PromptRoads roads, int[] tokens, int subset) {
        return IntStream.range(0, tokens.length)
                .filter(i -> (subset >> i & 1) == 1)
                .mapToDouble(i -> roads.processorSeconds(tokens[i]))
                .sum();
    }

    private static double ends(PromptRoads roads, double link, int[] tokens, int subset) {
        return Math.max(processor(roads, tokens, subset), (tokens.length - Integer.bitCount(subset)) * link);
    }

    @RepeatedTest(200)
    void noOtherSetOfExpertsEndsEarlier(RepetitionInfo seed) {
        Random random = new Random(seed.getCurrentRepetition());
        double link = 1e-4 * Math.exp(4 * random.nextDouble());
        PromptRoads roads = new PromptRoads(link, GROUP);
        int[] tokens = random.ints(1 + random.nextInt(8), 1, 20).toArray();
        boolean[] byHost = new boolean[tokens.length];
        int chosen = roads.choose(tokens, tokens.length, byHost);
        int subset = IntStream.range(0, tokens.length)
                .filter(i -> byHost[i])
                .map(i -> 1 << i)
                .sum();
        assertThat(Integer.bitCount(subset)).isEqualTo(chosen);
        double ends = ends(roads, link, tokens, subset);
        for (int other = 0; other < 1 << tokens.length; other++) {
            assertThat(ends(roads, link, tokens, other)).isGreaterThan(ends - 1e-12);
        }
    }

    @Test
    void aSingleExpertIsFetchedFromTheBreakEvenOn() {
        PromptRoads roads = new PromptRoads(LINK, GROUP);
        assertThat(roads.breakEvenTokens()).isEqualTo(3);
        boolean[] byHost = new boolean[1];
        for (int tokens = 1; tokens < 10; tokens++) {
            assertThat(roads.choose(new int[] {tokens}, 1, byHost)).isEqualTo(tokens <= 3 ? 1 : 0);
        }
        assertThat(new PromptRoads(0.5e-3, GROUP).breakEvenTokens()).isZero();
        assertThat(new PromptRoads(10e-3, GROUP).breakEvenTokens()).isEqualTo(28);
    }

    @Test
    void moreTokensAreComputedInGroups() {
        PromptRoads roads = new PromptRoads(LINK, GROUP);
        assertThat(roads.processorSeconds(3)).isEqualTo(1.1e-3);
        assertThat(roads.processorSeconds(8)).isEqualTo(2.8e-3);
        assertThat(roads.processorSeconds(9)).isEqualTo(3.6e-3);
    }

    @Test
    void timesThatAreNoneAreRefused() {
        assertThatThrownBy(() -> new PromptRoads(0, GROUP)).hasMessageContaining("0.0 s over the link");
        assertThatThrownBy(() -> new PromptRoads(LINK)).hasMessageContaining("[]");
        assertThatThrownBy(() -> new PromptRoads(LINK, 1, 0)).hasMessageContaining("[1.0, 0.0]");
    }
}
