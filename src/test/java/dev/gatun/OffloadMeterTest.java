package dev.gatun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.engine.Backend;
import dev.gatun.engine.OffloadCounts;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class OffloadMeterTest {
    private static final long MILLISECOND = 1_000_000;

    /** Counts that have grown to a multiple of what one pass adds. */
    private static OffloadCounts counts(long passes, long memory) {
        OffloadCounts.Parts parts = new OffloadCounts.Parts(
                passes * MILLISECOND,
                2 * passes * MILLISECOND,
                3 * passes * MILLISECOND,
                4 * passes,
                6 * passes,
                5 * passes);
        return new OffloadCounts(
                6 * passes,
                passes,
                3 * passes,
                2 * passes,
                4 * passes,
                2 * passes,
                passes,
                2,
                3 * passes,
                700 * passes,
                50 * passes,
                new OffloadCounts.Roads(passes, 2 * passes, 3 * passes, 4 * passes, 5 * passes, 6 * passes),
                Optional.of(new OffloadCounts.Times(10 * passes, parts)),
                memory);
    }

    /** A backend that says nothing but how much memory it pinned, and what it counts, one after the other. */
    private static Backend counting(OffloadCounts... readings) {
        Deque<OffloadCounts> left = new ArrayDeque<>(List.of(readings));
        return (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("hostMemory")) {
                        return 180L;
                    }
                    assertThat(method.getName()).isEqualTo("offloadCounts");
                    return Optional.ofNullable(left.poll());
                });
    }

    @Test
    void whatIsReadIsWhatWasAddedAndTheMemoryOfNow() {
        OffloadMeter meter = OffloadMeter.start(counting(counts(3, 100), counts(5, 90)));
        OffloadStatistics read = meter.read().orElseThrow();
        assertThat(read.hits()).isEqualTo(12);
        assertThat(read.late()).isEqualTo(2);
        assertThat(read.misses()).isEqualTo(6);
        assertThat(read.hitLayers()).isEqualTo(4);
        assertThat(read.prefetchDepth()).isEqualTo(2);
        assertThat(read.prefetchTurnedDown()).isEqualTo(6);
        assertThat(read.bytesToGpu()).isEqualTo(1400);
        assertThat(read.bytesFromGpu()).isEqualTo(100);
        assertThat(read.roads())
                .isEqualTo(new OffloadStatistics.Roads(2, 4, 6, 8, Duration.ofNanos(10), Duration.ofNanos(12)));
        OffloadStatistics.Times times = read.times().orElseThrow();
        assertThat(times.linkBusy()).isEqualTo(Duration.ofNanos(20));
        assertThat(times.gpuBusy()).isEqualTo(Duration.ofMillis(12));
        assertThat(times.parts().experts()).isEqualTo(Duration.ofMillis(6));
        assertThat(times.parts().cpu()).isEqualTo(Duration.ofNanos(12));
        assertThat(read.gpuMemory()).isEqualTo(90);
        assertThat(read.hostMemory()).isEqualTo(180);
        assertThat(read.time()).isPositive();
    }

    @Test
    void aBackendThatFetchesNothingHasNone() {
        assertThat(OffloadMeter.start(counting()).read()).isEmpty();
    }

    @Test
    void sharesAreOfWhatWasAskedForAndGuessed() {
        OffloadStatistics read =
                OffloadMeter.start(counting(counts(0, 1), counts(1, 1))).read().orElseThrow();
        assertThat(read.requests()).isEqualTo(10);
        assertThat(read.hitRatio()).isEqualTo(0.6);
        assertThat(read.prefetchPrecision()).isCloseTo(2 / 3.0, within(1e-12));
        assertThat(read.prefetchRecall()).isEqualTo(0.4);
        OffloadStatistics none =
                OffloadMeter.start(counting(counts(1, 1), counts(1, 1))).read().orElseThrow();
        assertThat(List.of(none.hitRatio(), none.prefetchPrecision(), none.prefetchRecall()))
                .containsOnly(0.0);
        assertThat(none.linkShare()).hasValue(0.0);
    }

    @Test
    void whatIsNotMeasuredIsUnknown() {
        OffloadCounts bare = new OffloadCounts(
                1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, new OffloadCounts.Roads(0, 0, 0, 0, 0, 0), Optional.empty(), 1);
        OffloadStatistics read = OffloadMeter.start(counting(bare, bare)).read().orElseThrow();
        assertThat(read.times()).isEmpty();
        assertThat(read.linkShare()).isEmpty();
        assertThat(read.gpuShare()).isEmpty();
        assertThat(read.plus(read).times()).isEmpty();
        assertThat(read.asMap()).doesNotContainKeys("link_busy_seconds", "gpu_busy_seconds", "waiting_seconds");
    }

    @Test
    void passesAddUpToOneReadingOverAll() {
        OffloadStatistics first =
                OffloadMeter.start(counting(counts(0, 1), counts(2, 7))).read().orElseThrow();
        OffloadStatistics second =
                OffloadMeter.start(counting(counts(2, 7), counts(5, 8))).read().orElseThrow();
        OffloadStatistics both =
                OffloadMeter.start(counting(counts(0, 1), counts(5, 8))).read().orElseThrow();
        OffloadStatistics sum = first.plus(second);
        assertThat(sum.time()).isEqualTo(first.time().plus(second.time()));
        assertThat(sum.asMap())
                .usingRecursiveComparison()
                .ignoringFields("seconds")
                .isEqualTo(both.asMap());
    }
}
