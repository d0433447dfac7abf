package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.GenerationStatistics;
import dev.gatun.OffloadStatistics;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StatisticsTableTest {
    private static final OffloadStatistics.Roads SHARED =
            new OffloadStatistics.Roads(4, 2, 4, 300_000_000L, Duration.ofMillis(4), Duration.ofMillis(1));
    private static final OffloadStatistics.Roads COPIED =
            new OffloadStatistics.Roads(10, 0, 0, 0, Duration.ZERO, Duration.ZERO);
    private static final OffloadStatistics.PartTimes PARTS = new OffloadStatistics.PartTimes(
            Duration.ofMillis(5),
            Duration.ofMillis(1),
            Duration.ofMillis(19),
            Duration.ofMillis(70),
            Duration.ofMillis(3),
            Duration.ofMillis(2));

    private static OffloadStatistics cost(
            long hits, long prefetches, OffloadStatistics.Roads roads, Optional<OffloadStatistics.PartTimes> parts) {
        return new OffloadStatistics(
                Duration.ofMillis(100),
                hits,
                1,
                10,
                4,
                prefetches,
                prefetches / 2,
                prefetches / 4,
                (int) prefetches / 4,
                prefetches / 8,
                2_000_000_000L,
                0,
                roads,
                parts.map(taken -> new OffloadStatistics.Times(Duration.ofMillis(80), taken)),
                12_000_000_000L,
                17_000_000_000L);
    }

    private static String table(OffloadStatistics prompt, OffloadStatistics decode) {
        GenerationStatistics statistics = new GenerationStatistics(
                512,
                Duration.ofMillis(256),
                11,
                Duration.ofMillis(500),
                Duration.ofMillis(256),
                Optional.of(prompt),
                Optional.of(decode));
        return StatisticsTable.of(statistics, 17_000_000_000L);
    }

    /** Of a model all of whose experts are on the GPU, or that runs on the CPU. */
    private static List<String> resident(long hostMemory) {
        GenerationStatistics statistics = new GenerationStatistics(
                3, Duration.ofMillis(1), 1, Duration.ZERO, Duration.ofMillis(1), Optional.empty(), Optional.empty());
        return StatisticsTable.of(statistics, hostMemory).lines().toList();
    }

    @Test
    void everyNumberHasItsLine() {
        assertThat(table(cost(9, 8, SHARED, Optional.of(PARTS)), cost(29, 8, SHARED, Optional.of(PARTS)))
                        .lines()
                        .map(line -> line.replaceAll(" +", " ")))
                .containsExactly(
                        " prompt generated",
                        "tokens 512 10",
                        "tokens/s 2000.0 20.0",
                        "time to first token 256.0 ms",
                        "hits 9 (45.0 %) 29 (72.5 %)",
                        "misses 10 10",
                        "arrived late 1 1",
                        "prefetches 8 8",
                        " used 4 4",
                        " wasted 2 2",
                        " copied a layer 2 2",
                        " turned down 1 1",
                        " precision 66.7 % 66.7 %",
                        " recall 28.6 % 28.6 %",
                        "to the GPU 2.00 GB 2.00 GB",
                        "from the GPU 0.0 MB 0.0 MB",
                        "read by the CPU 300 MB 300 MB",
                        "both roads 23.0 GB/s 23.0 GB/s",
                        " link 20.0 GB/s 20.0 GB/s",
                        " CPU 3.0 GB/s 3.0 GB/s",
                        " experts copied 4 4",
                        " experts split 2 2",
                        " experts computed 4 4",
                        " CPU computing 4.0 ms 4.0 ms",
                        " CPU waiting 1.0 ms 1.0 ms",
                        "link busy 80.0 % 80.0 %",
                        "GPU busy 25.0 % 25.0 %",
                        "attention 5.0 ms 5.0 ms",
                        "router 1.0 ms 1.0 ms",
                        "experts 19.0 ms 19.0 ms",
                        "waiting for a copy 70.0 ms 70.0 ms",
                        "waiting for the CPU 3.0 ms 3.0 ms",
                        "waiting for the host 2.0 ms 2.0 ms",
                        "GPU memory 12.00 GB",
                        "pinned memory 17.00 GB");
    }

    @Test
    void whatIsNotMeasuredIsNotShown() {
        OffloadStatistics cost = cost(9, 0, COPIED, Optional.empty());
        assertThat(table(cost, cost))
                .doesNotContain("prefetches", "precision", "attention", "busy", "CPU")
                .contains("hits");
        OffloadStatistics timed = cost(9, 0, COPIED, Optional.of(PARTS));
        assertThat(table(timed, timed)).contains("waiting for a copy").doesNotContain("CPU");
        assertThat(resident(0)).hasSize(4);
        assertThat(resident(0).getFirst()).endsWith("prompt");
    }

    @Test
    void memoryThatEmbeddingsPinIsShownWhereAllExpertsAreResident() {
        assertThat(resident(262_000_000)).hasSize(5);
        assertThat(resident(262_000_000).getLast()).matches("pinned memory +262 MB");
    }
}
