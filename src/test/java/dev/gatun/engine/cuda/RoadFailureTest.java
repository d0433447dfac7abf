package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.BackendFailureException;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.cuda.BreakablePinning.BrokenCopyException;
import dev.gatun.engine.cuda.SpoiledRoad.BrokenRoadException;
import dev.gatun.engine.cuda.SpoiledRoad.Step;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * With two roads, after a chunk that failed on one of them, the model says nearly what it says where all is fetched. Not the
 * same bits, since what is resident by then depends on when copies ended.
 */
@Tag("model")
@RequiresGpu
@Execution(ExecutionMode.SAME_THREAD)
class RoadFailureTest {
    private static final int CAPACITY = 512;

    /** So few that every token of a text misses. */
    private static final int SLOTS = 7;

    /** Tokens one by one, and chunks whose experts the host computes whole. */
    private static final int[] PROMPTS = {1, 8, 9, 30};

    private static final int[] GOOD = {0, 1, 3};

    private static final Duration LESS_THAN_THE_DEVICE_WAITS = Duration.ofSeconds(5);

    private static List<float[]> expected;

    private static List<OffloadOptions> settings() {
        List<OffloadOptions> settings = new ArrayList<>();
        for (MissMode misses : new MissMode[] {MissMode.CPU, MissMode.AUTO}) {
            for (HostMode host : new HostMode[] {HostMode.INCLUSIVE, HostMode.EXCLUSIVE}) {
                for (int prefetch : new int[] {0, 2}) {
                    settings.add(OffloadOptions.defaults()
                            .withMisses(misses)
                            .withMostSlots(SLOTS)
                            .withHostMode(host)
                            .withPrefetch(prefetch));
                }
            }
        }
        return settings;
    }

    private static OpenModel open(OffloadOptions options, PieceAllocator pinning, UnaryOperator<HostRoad> roads) {
        return QuantizedOnGpu.open(options, CudaOptions.defaults(), pinning, roads);
    }

    private static PieceAllocator pinning() {
        return PieceAllocator.of(CudaDevice.open(0));
    }

    @BeforeAll
    static void askAModelThatFetches() {
        OffloadOptions fetching =
                OffloadOptions.defaults().withMisses(MissMode.FETCH).withMostSlots(SLOTS);
        try (OpenModel model = open(fetching, pinning(), UnaryOperator.identity())) {
            expected = NearTranscript.of(model, List.of());
        }
    }

    private static void requireSaid(OpenModel model, String when) {
        NearTranscript.require(NearTranscript.of(model, expected), expected, when);
    }

    private static void feed(OpenModel model, int length, int seed) {
        try (KvCache cache = model.backend().newKvCache(CAPACITY, KvPrecision.F16)) {
            model.feed(cache, tokens(length, seed));
        }
    }

    private static int[] tokens(int length, int seed) {
        return new Random(seed).ints(length, 3, 2000).toArray();
    }

    @Test
    void theHostFailsInEachOfItsSteps() {
        for (OffloadOptions options : settings()) {
            for (Step step : Step.values()) {
                theHostFailsIn(step, options);
            }
        }
    }

    /** Models of their own, since a host that was seen to be slower than the link gets nothing to fail with. */
    private static void theHostFailsIn(Step step, OffloadOptions options) {
        for (int good : GOOD) {
            SpoiledRoad road = new SpoiledRoad();
            try (OpenModel model = open(options, pinning(), road)) {
                road.wake();
                road.breakAfter(good, step);
                assertThat(failOnRoad(model, road, step))
                        .as("%s of %s", step, options)
                        .isTrue();
                requireSaid(model, "after %d of %s passed: %s".formatted(good, step, options));
            }
        }
    }

    /** Begins chunks until one fails: another one can find all of its experts. */
    private static boolean failOnRoad(OpenModel model, SpoiledRoad road, Step step) {
        for (int i = 0; i < 200 && !road.hasFailed(); i++) {
            try {
                feed(model, step == Step.ADD_WHOLE ? PROMPTS[2 + i % 2] : PROMPTS[i % 2], i);
            } catch (BrokenRoadException wanted) {
                assertThat(wanted).hasMessageContaining(step.toString());
                return true;
            }
        }
        return false;
    }

    /** The device, and whoever frees memory that it uses, must not wait for a host that nobody asks to go on. */
    @Test
    void chunksAreGivenUpWhileTheHostComputes() {
        for (OffloadOptions options : settings()) {
            SpoiledRoad road = new SpoiledRoad();
            try (OpenModel model = open(options, pinning(), road)) {
                road.wake();
                for (int done = 1; done <= GivenUpChunk.operations(model); done++) {
                    for (int length = 1; length <= 2; length++) {
                        int[] tokens = tokens(length, done);
                        int operations = done;
                        assertTimeout(LESS_THAN_THE_DEVICE_WAITS, () -> giveUp(model, tokens, operations));
                    }
                }
                requireSaid(model, "after chunks that were given up: " + options);
            }
        }
    }

    private static void giveUp(OpenModel model, int[] tokens, int operations) {
        try (KvCache cache = model.backend().newKvCache(CAPACITY, KvPrecision.F16)) {
            GivenUpChunk.run(model, cache, tokens, operations);
        }
    }

    /** The device gives up waiting for it, and that chunk alone fails. */
    @Test
    void theHostIsStoppedForLong() {
        assumeThat(CudaDevice.open(0).mayWaitForHost())
                .as("kernels may wait for the host here")
                .isTrue();
        SpoiledRoad road = new SpoiledRoad();
        OffloadOptions options =
                OffloadOptions.defaults().withMisses(MissMode.CPU).withMostSlots(SLOTS);
        try (OpenModel model = open(options, pinning(), road)) {
            road.wake();
            road.sleepOnce(Duration.ofSeconds(11));
            assertThatThrownBy(() -> IntStream.range(0, 200).forEach(i -> feed(model, 1, i)))
                    .isInstanceOf(BackendFailureException.class)
                    .hasMessageContaining("the CPU did not hand over its part");
            requireSaid(model, "after the host was stopped");
        }
    }

    @Test
    void aCopyFailsWhereTheHostComputes() {
        for (OffloadOptions options : settings()) {
            BreakablePinning pinning = new BreakablePinning(pinning());
            int failures = 0;
            try (OpenModel model = open(options, pinning, UnaryOperator.identity())) {
                for (int length : PROMPTS) {
                    for (int good : GOOD) {
                        failures += failInCopy(model, pinning, good, length);
                        requireSaid(model, "after copy %d of %d tokens: %s".formatted(good, length, options));
                    }
                }
            }
            assertThat(failures).as("%s", options).isPositive();
        }
    }

    /** A host that is fast leaves no copies to some chunks. */
    private static int failInCopy(OpenModel model, BreakablePinning pinning, int good, int length) {
        pinning.breakAfter(good, 1);
        try {
            for (int i = 0; i < 100; i++) {
                feed(model, length, i);
            }
            return 0;
        } catch (BrokenCopyException wanted) {
            return 1;
        } finally {
            pinning.mend();
        }
    }
}
