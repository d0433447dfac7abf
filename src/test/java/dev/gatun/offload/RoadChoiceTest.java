package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class RoadChoiceTest {
    private static final long BLOCK = 66_404_352;

    /** What a choice is made from, as a seed says. */
    private record Case(
            int parts, RoadSpeed link, RoadSpeed processor, int misses, double ahead, int left, double lag) {
        static Case of(long seed) {
            Random random = new Random(seed);
            double ahead = random.nextBoolean() ? 0 : random.nextDouble() * 2e-3;
            return new Case(
                    1 + random.nextInt(64),
                    speed(random),
                    speed(random),
                    1 + random.nextInt(8),
                    ahead,
                    random.nextInt(3),
                    random.nextInt(3) * 40e-6);
        }

        private static RoadSpeed speed(Random random) {
            return new RoadSpeed(1e9 * Math.exp(5 * random.nextDouble()), random.nextInt(100) * 1e-6);
        }

        RoadChoice choice(MissMode mode) {
            return choice(mode, link, processor);
        }

        RoadChoice choice(MissMode mode, RoadSpeed link, RoadSpeed processor) {
            return new RoadChoice(new RoadSplit(mode, parts, new RoadRates(link, processor), lag), BLOCK);
        }

        int fetched(RoadSpeed link, RoadSpeed processor) {
            return choice(MissMode.AUTO, link, processor).fetched(misses, ahead, left, true);
        }
    }

    @RepeatedTest(500)
    void noChoiceEndsEarlier(RepetitionInfo seed) {
        Case some = Case.of(seed.getCurrentRepetition());
        RoadChoice choice = some.choice(MissMode.AUTO);
        double best = choice.seconds(some.misses, some.ahead, some.left);
        double bestWhole = choice.seconds(
                some.misses, choice.fetched(some.misses, some.ahead, some.left, false), some.ahead, some.left);
        int all = some.misses * some.parts;
        for (int parts = 0; parts <= all; parts++) {
            assertThat(choice.seconds(some.misses, parts, some.ahead, some.left))
                    .isGreaterThanOrEqualTo(best);
            if (parts % some.parts == 0) {
                assertThat(choice.seconds(some.misses, parts, some.ahead, some.left))
                        .isGreaterThanOrEqualTo(bestWhole);
            }
        }
        assertThat(some.choice(MissMode.FETCH).fetched(some.misses, some.ahead, some.left, true))
                .isEqualTo(all);
        assertThat(some.choice(MissMode.CPU).fetched(some.misses, some.ahead, some.left, true))
                .isZero();
    }

    @RepeatedTest(500)
    void aFasterRoadIsGivenNoLess(RepetitionInfo seed) {
        Case some = Case.of(seed.getCurrentRepetition());
        int fetched = some.fetched(some.link, some.processor);
        assertThat(some.fetched(faster(some.link), some.processor)).isGreaterThanOrEqualTo(fetched);
        assertThat(some.fetched(some.link, faster(some.processor))).isLessThanOrEqualTo(fetched);
    }

    private static RoadSpeed faster(RoadSpeed speed) {
        return new RoadSpeed(1.3 * speed.bytesPerSecond(), speed.fixedSeconds());
    }

    @Test
    void aSingleMissUsesBothRoads() {
        RoadRates rates = new RoadRates(new RoadSpeed(52e9, 15e-6), new RoadSpeed(85e9, 30e-6));
        RoadChoice choice = new RoadChoice(new RoadSplit(MissMode.AUTO, 7, rates, 0), BLOCK);
        assertThat(choice.fetched(1, 0, 0, true)).isEqualTo(3);
        assertThat(choice.seconds(1, 0, 0)).isLessThan(0.7 * choice.seconds(1, 0, 0, 0));
        assertThat(choice.fetched(2, 0, 0, true)).isEqualTo(5);
        assertThat(choice.fetched(1, 2e-3, 0, true)).as("the link is busy").isZero();
    }

    @Test
    void aLinkThatLagsBehindIsGivenLessSoThatTheHostEndsAsMuchLater() {
        RoadRates rates = new RoadRates(new RoadSpeed(50e9, 0), new RoadSpeed(100e9, 0));
        RoadChoice even = new RoadChoice(new RoadSplit(MissMode.AUTO, 56, rates, 0), BLOCK);
        RoadChoice late = new RoadChoice(new RoadSplit(MissMode.AUTO, 56, rates, 100e-6), BLOCK);
        double part = BLOCK / 56.0 / 50e9;
        for (int misses = 1; misses <= 2; misses++) {
            int fetched = late.fetched(misses, 0, 0, true);
            double link = rates.linkSeconds(late.bytes(fetched), 2);
            double host = rates.processorSeconds(BLOCK * misses - late.bytes(fetched));
            assertThat(host - link).isCloseTo(100e-6, within(part));
            assertThat(fetched).isLessThan(even.fetched(misses, 0, 0, true));
        }
    }

    @Test
    void aRoadThatIsNoneIsRefused() {
        assertThatThrownBy(() -> new RoadSpeed(0, 0)).hasMessageContaining("0.0 bytes/s");
        assertThatThrownBy(() -> new RoadSpeed(Double.NaN, 0)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> new RoadSpeed(1e9, -1)).hasMessageContaining("-1.0 s");
        assertThatThrownBy(() ->
                        new RoadSplit(MissMode.AUTO, 0, new RoadRates(new RoadSpeed(1e9, 0), new RoadSpeed(1e9, 0)), 0))
                .hasMessageContaining("parts");
        assertThatThrownBy(() -> new RoadSplit(
                        MissMode.AUTO, 1, new RoadRates(new RoadSpeed(1e9, 0), new RoadSpeed(1e9, 0)), Double.NaN))
                .hasMessageContaining("NaN s");
    }
}
