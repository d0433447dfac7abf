package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Seeds;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class RoadEstimateTest {
    private static final long BLOCK = 66_404_352;

    private static RoadSpeed speed(Random random) {
        return new RoadSpeed(1e9 * Math.exp(5 * random.nextDouble()), 1e-3 * random.nextDouble());
    }

    /** Also where what every job takes besides was taken for longer than a whole job. */
    @RepeatedTest(200)
    void aRoadWhoseJobsAreAlikeIsKnownAfterSomeWhateverWasMeasured() {
        long seed = Seeds.next();
        Random random = new Random(seed);
        RoadEstimate estimate = new RoadEstimate(speed(random));
        RoadSpeed road = speed(random);
        long bytes = 1 + (long) (BLOCK * random.nextDouble());
        double seconds = road.fixedSeconds() + bytes / road.bytesPerSecond();
        for (int job = 0; job < 100; job++) {
            estimate.seen(bytes, seconds);
        }
        assertThat(estimate.seconds(bytes, 1)).as(Seeds.hint(seed)).isCloseTo(seconds, within(1e-3 * seconds));
    }

    @Test
    void whatEveryJobTakesBesidesIsKeptAsFarAsJobsAllow() {
        RoadEstimate estimate = new RoadEstimate(new RoadSpeed(100e9, 50e-6));
        estimate.seen(BLOCK, 700e-6);
        assertThat(estimate.seconds(0, 1)).isEqualTo(50e-6);
        estimate.seen(BLOCK / 100, 60e-6);
        assertThat(estimate.seconds(0, 1)).isEqualTo(30e-6);
        estimate.seen(BLOCK, 700e-6);
        assertThat(estimate.seconds(0, 1)).isEqualTo(30e-6);
    }
}
