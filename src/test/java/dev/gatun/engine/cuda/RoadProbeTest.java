package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.offload.PromptRoads;
import dev.gatun.offload.RoadRates;
import dev.gatun.offload.RoadSpeed;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class RoadProbeTest {
    private static final long BLOCK = 66_404_352;
    private static final int PARTS = 7;
    private static final double UPLOAD = 1.2e-3;

    private static RoadProbe probe(FakeRoads roads, int parts) {
        return new RoadProbe(roads, 3, roads, 20, BLOCK, parts, roads::nanos);
    }

    private static double seconds(double bytesPerSecond) {
        return BLOCK / bytesPerSecond;
    }

    /** A host as fast as a large server's, or 500 times slower than the link: neither is taken for the other. */
    @RepeatedTest(200)
    void eachRoadsTimeIsItsOwnHoweverSlowTheOtherIs() {
        long seed = Seeds.next();
        Random random = new Random(seed);
        double upload = UPLOAD * Math.exp(3 * random.nextDouble());
        double expert = 0.3e-3 * Math.exp(7.5 * random.nextDouble());
        double fixed = expert * random.nextDouble() / PARTS;
        FakeRoads roads = new FakeRoads(upload, expert, fixed, PARTS);
        RoadRates rates = probe(roads, PARTS).measure();
        assertThat(seconds(rates.linkBytesPerSecond())).as(Seeds.hint(seed)).isCloseTo(upload, within(0.01 * upload));
        assertThat(seconds(rates.processorBytesPerSecond()))
                .as(Seeds.hint(seed))
                .isCloseTo(expert, within(0.01 * expert));
        assertThat(roads.isLinkIdle()).isTrue();
    }

    /** The JVM runs it for the first time, and other programs take a processor now and then. */
    @RepeatedTest(100)
    void whatHoldsUpSomeJobsIsNotWhatJobsTake() {
        long seed = Seeds.next();
        Random random = new Random(seed);
        FakeRoads roads = new FakeRoads(UPLOAD, 0.6e-3, 0.05e-3, PARTS);
        int[] jobs = {random.nextInt(3)};
        roads.heldUp = () -> jobs[0]++ % 3 == 0 ? 1e-3 * random.nextDouble() : 0;
        RoadRates rates = probe(roads, PARTS).measure();
        assertThat(seconds(rates.processorBytesPerSecond()))
                .as(Seeds.hint(seed))
                .isCloseTo(0.6e-3, within(0.01e-3));
    }

    /** Two jobs of a kind are all there is time for; one of all jobs is held up. */
    @Test
    void ofTwoJobsTheOneThatWasHeldUpDoesNotCount() {
        for (int heldUp = 0; heldUp < 8; heldUp++) {
            FakeRoads roads = new FakeRoads(UPLOAD, 9e-3, 0, PARTS);
            int[] jobs = {heldUp};
            roads.heldUp = () -> jobs[0]-- == 0 ? 5e-3 : 0;
            RoadRates rates = probe(roads, PARTS).measure();
            assertThat(seconds(rates.processorBytesPerSecond()))
                    .as("job %d", heldUp)
                    .isCloseTo(9e-3, within(0.09e-3));
        }
    }

    /** Also where there is time for one job of each kind, and a few parts take longer than all of them. */
    @RepeatedTest(100)
    void noHoldUpMakesTheHostSeemMoreThanTwiceAsFast() {
        long seed = Seeds.next();
        Random random = new Random(seed);
        double expert = 0.1e-3 * Math.exp(5 * random.nextDouble());
        FakeRoads roads = new FakeRoads(UPLOAD, expert, 0, PARTS);
        roads.heldUp = () -> random.nextBoolean() ? 20e-3 * random.nextDouble() : 0;
        RoadRates rates = probe(roads, PARTS).measure();
        assertThat(seconds(rates.processorBytesPerSecond()))
                .as(Seeds.hint(seed))
                .isGreaterThan(0.49 * expert);
    }

    @Test
    void theHostIsMeasuredWhileTheLinkIsAtWork() {
        FakeRoads roads = new FakeRoads(UPLOAD, 4.5e-3, 0, PARTS);
        RoadProbe probe = probe(roads, PARTS);
        RoadRates rates = probe.measure();
        double idle = roads.idleLink();
        // While it wakes up, and when the uploads that were measured had ended.
        assertThat(idle).isLessThan(2 * 4.5e-3 + 20e-3);
        assertThat(probe.forPrompts(rates).get().processorSeconds(1)).isPositive();
        assertThat(roads.idleLink()).as("and so for prompts").isEqualTo(idle);
        assertThat(roads.isLinkIdle()).isTrue();
    }

    @RepeatedTest(50)
    void itTakesNoLongerThanIsOfUse() {
        long seed = Seeds.next();
        Random random = new Random(seed);
        double expert = 0.05e-3 * Math.exp(9 * random.nextDouble());
        FakeRoads roads = new FakeRoads(UPLOAD, expert, 0, PARTS);
        RoadProbe probe = probe(roads, PARTS);
        probe.forPrompts(probe.measure());
        assertThat(roads.now()).as(Seeds.hint(seed)).isLessThan(0.2 + 8 * expert);
        assertThat(roads.jobs()).isGreaterThanOrEqualTo(5);
    }

    @Test
    void whereCopiesMakeTheCallerWaitTheyAreNotTakenForTheHosts() {
        FakeRoads roads = new FakeRoads(9e-3, 2e-3, 0, 1);
        roads.copiesMakeTheCallerWait = true;
        RoadRates rates = probe(roads, 1).measure();
        assertThat(seconds(rates.linkBytesPerSecond())).isCloseTo(9e-3, within(1e-4));
        assertThat(seconds(rates.processorBytesPerSecond())).isCloseTo(2e-3, within(1e-5));
    }

    @Test
    void whatPromptsTakeIsMeasuredForEachCountOfTokens() {
        FakeRoads roads = new FakeRoads(UPLOAD, 1e-3, 0, PARTS);
        RoadProbe probe = probe(roads, PARTS);
        PromptRoads prompts = probe.forPrompts(probe.measure()).get();
        for (int tokens = 1; tokens <= HostRoad.MOST_TOKENS; tokens++) {
            assertThat(prompts.processorSeconds(tokens)).isCloseTo(1e-3 * (1 + tokens) / 2, within(1e-6));
        }
        assertThat(prompts.breakEvenTokens()).isEqualTo(1);
    }

    /** Not by what the probe found of it. */
    @Test
    void promptsGoByWhatTheRatesSayOfTheLink() {
        FakeRoads roads = new FakeRoads(UPLOAD, 1e-3, 0, PARTS);
        RoadProbe probe = probe(roads, PARTS);
        probe.measure();
        RoadSpeed any = new RoadSpeed(1e10, 0);
        for (double upload : new double[] {0.9e-3, 2.01e-3}) {
            Supplier<PromptRoads> prompts = probe.forPrompts(new RoadRates(new RoadSpeed(BLOCK / upload, 0), any));
            assertThat(prompts.get().breakEvenTokens()).isEqualTo(upload < 1e-3 ? 0 : 3);
        }
    }
}
