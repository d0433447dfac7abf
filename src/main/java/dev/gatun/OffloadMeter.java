package dev.gatun;

import dev.gatun.engine.Backend;
import dev.gatun.engine.OffloadCounts;
import java.time.Duration;
import java.util.Optional;

/** Takes what fetching experts costs in one forward pass: made before it, asked after it. */
final class OffloadMeter {
    private final Backend backend;
    private final Optional<OffloadCounts> before;
    private final long start = System.nanoTime();

    private OffloadMeter(Backend backend) {
        this.backend = backend;
        this.before = backend.offloadCounts();
    }

    static OffloadMeter start(Backend backend) {
        return new OffloadMeter(backend);
    }

    /** What happened since the start; empty where the backend fetches nothing. */
    Optional<OffloadStatistics> read() {
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        return before.flatMap(earlier ->
                backend.offloadCounts().map(now -> statistics(time, now.since(earlier), backend.hostMemory())));
    }

    private static OffloadStatistics statistics(Duration time, OffloadCounts counts, long hostMemory) {
        return new OffloadStatistics(
                time,
                counts.hits(),
                counts.late(),
                counts.misses(),
                counts.hitLayers(),
                counts.prefetches(),
                counts.prefetchesUsed(),
                counts.prefetchesWasted(),
                counts.prefetchDepth(),
                counts.prefetchTurnedDown(),
                counts.bytesUp(),
                counts.bytesDown(),
                roads(counts.roads()),
                counts.times().map(OffloadMeter::times),
                counts.gpuMemory(),
                hostMemory);
    }

    private static OffloadStatistics.Roads roads(OffloadCounts.Roads roads) {
        return new OffloadStatistics.Roads(
                roads.fetched(),
                roads.split(),
                roads.computed(),
                roads.bytesComputed(),
                Duration.ofNanos(roads.computing()),
                Duration.ofNanos(roads.waited()));
    }

    private static OffloadStatistics.Times times(OffloadCounts.Times times) {
        return new OffloadStatistics.Times(Duration.ofNanos(times.link()), parts(times.parts()));
    }

    private static OffloadStatistics.PartTimes parts(OffloadCounts.Parts parts) {
        return new OffloadStatistics.PartTimes(
                Duration.ofNanos(parts.attention()),
                Duration.ofNanos(parts.router()),
                Duration.ofNanos(parts.experts()),
                Duration.ofNanos(parts.waiting()),
                Duration.ofNanos(parts.cpu()),
                Duration.ofNanos(parts.host()));
    }
}
