package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.gatun.offload.CacheShape.Sharing;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** How long layers take on roads of some speed. */
class TwoRoadsTest {
    private static final RoadSpeed LINK = new RoadSpeed(52e9, 15e-6);
    private static final RoadSpeed PROCESSOR = new RoadSpeed(85e9, 30e-6);
    private static final CacheShape NONE_RESIDENT = new CacheShape(32, 8, 0, 4, Sharing.PER_LAYER);

    private static RoadSpeed speed(double bytesPerSecond, double fixed) {
        return new RoadSpeed(bytesPerSecond, fixed);
    }

    private static RoadRates rates(RoadSpeed link, RoadSpeed processor) {
        return new RoadRates(link, processor);
    }

    private static Supplier<int[]> uniform(long seed) {
        Random random = new Random(seed);
        return () -> RandomScheduler.choice(random, 8, 2);
    }

    /** Every layer two misses: what a layer takes at best. */
    private static double best(RoadSpeed link, RoadSpeed processor, int parts) {
        return new RoadChoice(new RoadSplit(MissMode.AUTO, parts, rates(link, processor), 0), TimedRun.BLOCK)
                .seconds(2, 0, 0);
    }

    @RepeatedTest(40)
    void wrongRatesAreCorrectedWithinSomeTensOfLayers(RepetitionInfo info) {
        Random random = new Random(info.getCurrentRepetition());
        RoadSpeed link = speed(1e9 * (5 + random.nextInt(60)), random.nextInt(30) * 1e-6);
        RoadSpeed processor = speed(1e9 * (5 + random.nextInt(120)), random.nextInt(60) * 1e-6);
        RoadRates wrong = rates(
                speed(link.bytesPerSecond() * Math.exp(1.4 * (2 * random.nextDouble() - 1)), link.fixedSeconds()),
                speed(
                        processor.bytesPerSecond() * Math.exp(1.4 * (2 * random.nextDouble() - 1)),
                        random.nextInt(1000) * 1e-6));
        TimedRun run = new TimedRun(NONE_RESIDENT, MissMode.AUTO, 7, link, processor, wrong, 0);
        run.layers(60, uniform(1));
        double mean = run.layers(200, uniform(2)) / 200;
        assertThat(mean).as("%s and %s", link, processor).isLessThan(1.04 * best(link, processor, 7));
    }

    /** What every job takes besides was believed to take longer than all misses of a layer over the other road. */
    @Test
    void aRoadThatSeemsNotWorthBeginningIsTriedAtLast() {
        double besides = 1.5 * 2 * TimedRun.BLOCK / LINK.bytesPerSecond();
        RoadRates wrong = rates(LINK, speed(PROCESSOR.bytesPerSecond(), besides));
        TimedRun run = new TimedRun(NONE_RESIDENT, MissMode.AUTO, 7, LINK, PROCESSOR, wrong, 0);
        run.layers(250, uniform(1));
        double mean = run.layers(200, uniform(2)) / 200;
        assertThat(mean).isLessThan(1.04 * best(LINK, PROCESSOR, 7));
    }

    @Test
    void roadsThatChangeAreFollowed() {
        TimedRun run = new TimedRun(NONE_RESIDENT, MissMode.AUTO, 7, LINK, PROCESSOR, rates(LINK, PROCESSOR), 0);
        run.noise(0.1);
        run.layers(100, uniform(1));
        RoadSpeed[][] changes = {
            {speed(12e9, 15e-6), PROCESSOR},
            {LINK, PROCESSOR},
            {LINK, speed(20e9, 30e-6)},
            {speed(12e9, 15e-6), speed(20e9, 30e-6)},
            {speed(12e9, 15e-6), speed(120e9, 30e-6)},
            {LINK, PROCESSOR},
        };
        for (RoadSpeed[] change : changes) {
            run.link(change[0]);
            run.processor(change[1]);
            run.layers(60, uniform(2));
            double mean = run.layers(200, uniform(3)) / 200;
            assertThat(mean).as("%s and %s", change[0], change[1]).isLessThan(1.07 * best(change[0], change[1], 7));
        }
    }

    @Test
    void aJobDuringWhichTheHostWasStoppedIsForgotten() {
        RoadRates rates = rates(LINK, PROCESSOR);
        TimedRun run = new TimedRun(NONE_RESIDENT, MissMode.AUTO, 56, LINK, PROCESSOR, rates, 0);
        run.layers(100, uniform(1));
        double usual = run.layers(1, uniform(2));
        run.processor(speed(PROCESSOR.bytesPerSecond() / 30, 30e-6));
        run.layers(1, uniform(3));
        run.processor(PROCESSOR);
        assertThat(run.layers(1, uniform(4))).isLessThan(1.06 * usual);
        run.layers(10, uniform(5));
        assertThat(run.layers(1, uniform(6))).isCloseTo(usual, withinPercentage(1));
    }

    @Test
    void guessesOnTheLinkDoNotBlurHowFastItIs() {
        RoadRates rates = rates(speed(30e9, 15e-6), PROCESSOR);
        TimedRun run = new TimedRun(NONE_RESIDENT, MissMode.AUTO, 7, LINK, PROCESSOR, rates, 2);
        double worst = 0;
        run.layers(60, uniform(1));
        for (int round = 0; round < 100; round++) {
            run.layers(3, uniform(round));
            worst = Math.max(worst, Math.abs(Math.log(rates.linkBytesPerSecond() / LINK.bytesPerSecond())));
        }
        assertThat(run.fetcher().counts().prefetchesBegun()).isPositive();
        assertThat(worst).isLessThan(0.1);
    }

    @Test
    void bothRoadsAreNeverSlowerThanTheBetterOne() {
        // What is resident differs from mode to mode by chance, and how much is missing by some percent.
        for (int slots : new int[] {0, 128, 192}) {
            for (double link : new double[] {6e9, 12e9, 26e9, 52e9}) {
                for (double processor : new double[] {4e9, 12e9, 26e9, 90e9}) {
                    for (int parts : new int[] {1, 7}) {
                        double auto = seconds(MissMode.AUTO, slots, link, processor, parts);
                        double fetch = seconds(MissMode.FETCH, slots, link, processor, parts);
                        double cpu = seconds(MissMode.CPU, slots, link, processor, parts);
                        assertThat(auto)
                                .as("%d slots, link %.0f, processor %.0f, %d parts", slots, link, processor, parts)
                                .isLessThan((slots == 0 ? 1.01 : 1.05) * Math.min(fetch, cpu));
                    }
                }
            }
        }
    }

    /** So a plan need not weigh them against each other: what waits in a staging slot is asked for there too. */
    @Test
    void stagingSlotsAreWorthAsMuchAsThoseOfLayers() {
        double four = secondsOf(new CacheShape(32, 8, 150, 4, Sharing.PER_LAYER));
        double two = secondsOf(new CacheShape(32, 8, 152, 2, Sharing.PER_LAYER));
        assertThat(four).isCloseTo(two, withinPercentage(1.5));
    }

    private static double secondsOf(CacheShape shape) {
        TimedRun run = new TimedRun(shape, MissMode.AUTO, 7, LINK, PROCESSOR, rates(LINK, PROCESSOR), 0);
        run.warm();
        run.layers(100 * 32, uniform(1));
        return run.layers(1000 * 32, uniform(2));
    }

    private static double seconds(MissMode mode, int slots, double link, double processor, int parts) {
        RoadSpeed linkSpeed = speed(link, 15e-6);
        RoadSpeed processorSpeed = speed(processor, 30e-6);
        CacheShape shape = new CacheShape(32, 8, slots, 4, Sharing.PER_LAYER);
        RoadRates rates = rates(linkSpeed, processorSpeed);
        TimedRun run = new TimedRun(shape, mode, parts, linkSpeed, processorSpeed, rates, 0);
        run.warm();
        run.layers(128, uniform(1));
        return run.layers(768, uniform(2));
    }

    /** Two of eight experts, some a lot oftener than others, and not the same in all layers. */
    private static Supplier<int[]> skewed(long seed) {
        Random random = new Random(seed);
        int[] layer = {0};
        return () -> {
            int shift = 3 * (layer[0]++ % 32);
            int first = favourite(random);
            int second = favourite(random);
            while (second == first) {
                second = favourite(random);
            }
            return new int[] {(first + shift) % 8, (second + shift) % 8};
        };
    }

    private static int favourite(Random random) {
        return random.nextInt(10) < 8 ? random.nextInt(3) : random.nextInt(8);
    }

    private static double hitRatio(TimedRun run) {
        run.layers(60 * 32, skewed(1));
        FetchCounts before = run.fetcher().counts();
        run.layers(100 * 32, skewed(2));
        FetchCounts after = run.fetcher().counts();
        return (double) (after.hits() - before.hits()) / (100 * 32 * 2);
    }

    private static TimedRun halfResident(MissMode mode) {
        CacheShape shape = new CacheShape(32, 8, 128, 4, Sharing.PER_LAYER);
        TimedRun run = new TimedRun(shape, mode, 7, LINK, PROCESSOR, rates(LINK, PROCESSOR), 0);
        run.warm();
        return run;
    }

    @Test
    void aCacheWhoseMissesTheHostServesLearnsFavourites() {
        double fetch = hitRatio(halfResident(MissMode.FETCH));
        for (MissMode mode : new MissMode[] {MissMode.CPU, MissMode.AUTO}) {
            assertThat(hitRatio(halfResident(mode))).as("%s", mode).isGreaterThan(0.95 * fetch);
        }
    }

    @Test
    void whereRoutingHasNoFavouritesHardlyAnythingFollowsTheHost() {
        TimedRun run = halfResident(MissMode.CPU);
        run.layers(50 * 32, uniform(1));
        long first = run.device().bytesUp();
        run.layers(100 * 32, uniform(2));
        long before = run.device().bytesUp();
        run.layers(50 * 32, uniform(3));
        assertThat(run.device().bytesUp() - before).isLessThan(first / 10);
        // Once it has, they are found.
        double ratio = hitRatio(run);
        assertThat(ratio).isGreaterThan(0.95 * hitRatio(halfResident(MissMode.FETCH)));
    }

    @Test
    void whatFollowsTheHostHoldsUpNothingForLongerThanOneOfItsChunks() {
        for (MissMode mode : new MissMode[] {MissMode.CPU, MissMode.AUTO}) {
            TimedRun run = halfResident(mode);
            run.layers(640, uniform(1));
            double chunk = LINK.fixedSeconds() + PrefetchSettings.CHUNK_BYTES / 4 / LINK.bytesPerSecond();
            assertThat(run.longestBehind()).isBetween(0.5 * chunk, chunk);
        }
    }
}
