package dev.gatun.cli;

import dev.gatun.GenerationStatistics;
import dev.gatun.OffloadStatistics;
import dev.gatun.OffloadStatistics.PartTimes;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** What a generation cost, as a table for people: a column for the prompt, and one for what was generated. */
final class StatisticsTable {
    private final StringBuilder text = new StringBuilder();
    private final List<OffloadStatistics> columns;

    private StatisticsTable(List<OffloadStatistics> columns) {
        this.columns = columns;
    }

    /**
     * Lines, each with its end; without the numbers that the backend has none of.
     *
     * @param hostMemory bytes that are pinned
     */
    static String of(GenerationStatistics statistics, long hostMemory) {
        List<OffloadStatistics> costs = Stream.of(statistics.promptOffload(), statistics.decodeOffload())
                .flatMap(Optional::stream)
                .toList();
        StatisticsTable table = new StatisticsTable(costs);
        boolean generated = statistics.generatedTokens() > 1;
        table.line("", "prompt", generated ? "generated" : "");
        table.line(
                "tokens",
                String.valueOf(statistics.promptTokens()),
                generated ? String.valueOf(statistics.generatedTokens() - 1) : "");
        table.line("tokens/s", decimal(statistics.promptRate()), generated ? decimal(statistics.decodeRate()) : "");
        table.line("time to first token", milliseconds(statistics.timeToFirstToken()), "");
        if (!costs.isEmpty()) {
            table.experts();
            table.copies();
            table.times();
            table.line("GPU memory", Units.gigabytes(costs.getLast().gpuMemory()), "");
        }
        if (!costs.isEmpty() || hostMemory > 0) {
            table.line("pinned memory", Units.gigabytes(hostMemory), "");
        }
        return table.text.toString();
    }

    private void experts() {
        row("hits", cost -> counted(cost.hits(), cost.hitRatio()));
        row("misses", cost -> String.valueOf(cost.misses()));
        row("arrived late", cost -> String.valueOf(cost.late()));
        if (columns.stream().anyMatch(StatisticsTable::guessed)) {
            row("prefetches", cost -> String.valueOf(cost.prefetches()));
            row("  used", cost -> String.valueOf(cost.prefetchesUsed()));
            row("  wasted", cost -> String.valueOf(cost.prefetchesWasted()));
            row("  copied a layer", cost -> String.valueOf(cost.prefetchDepth()));
            row("  turned down", cost -> String.valueOf(cost.prefetchTurnedDown()));
            row("  precision", cost -> percent(cost.prefetchPrecision()));
            row("  recall", cost -> percent(cost.prefetchRecall()));
        }
    }

    /** Whether guesses were wanted, though perhaps none paid. */
    private static boolean guessed(OffloadStatistics cost) {
        return cost.prefetches() > 0 || cost.prefetchDepth() > 0 || cost.prefetchTurnedDown() > 0;
    }

    private void copies() {
        row("to the GPU", cost -> Units.gigabytes(cost.bytesToGpu()));
        row("from the GPU", cost -> Units.gigabytes(cost.bytesFromGpu()));
        if (shared()) {
            row("read by the CPU", cost -> Units.gigabytes(cost.roads().bytesComputed()));
            row(
                    "both roads",
                    cost -> rate(cost, cost.bytesToGpu() + cost.roads().bytesComputed()));
            row("  link", cost -> rate(cost, cost.bytesToGpu()));
            row("  CPU", cost -> rate(cost, cost.roads().bytesComputed()));
            row("  experts copied", cost -> String.valueOf(cost.roads().fetched()));
            row("  experts split", cost -> String.valueOf(cost.roads().split()));
            row("  experts computed", cost -> String.valueOf(cost.roads().computed()));
            row("  CPU computing", cost -> milliseconds(cost.roads().computing()));
            row("  CPU waiting", cost -> milliseconds(cost.roads().waited()));
        }
    }

    /** Whether the CPU computed experts that the GPU had not. */
    private boolean shared() {
        return columns.stream().anyMatch(cost -> cost.roads().bytesComputed() > 0);
    }

    /** On average over the whole time. */
    private static String rate(OffloadStatistics cost, long bytes) {
        return decimal(cost.time().isZero() ? 0 : (double) bytes / cost.time().toNanos()) + " GB/s";
    }

    private void times() {
        if (columns.stream().allMatch(cost -> cost.times().isPresent())) {
            row("link busy", cost -> percent(cost.linkShare().orElseThrow()));
            row("GPU busy", cost -> percent(cost.gpuShare().orElseThrow()));
            part("attention", PartTimes::attention);
            part("router", PartTimes::router);
            part("experts", PartTimes::experts);
            part("waiting for a copy", PartTimes::waiting);
            if (shared()) {
                part("waiting for the CPU", PartTimes::cpu);
            }
            part("waiting for the host", PartTimes::host);
        }
    }

    private void part(String name, Function<PartTimes, Duration> time) {
        row(name, cost -> milliseconds(time.apply(cost.times().orElseThrow().parts())));
    }

    private void row(String name, Function<OffloadStatistics, String> cell) {
        List<String> cells = columns.stream().map(cell).toList();
        line(name, cells.getFirst(), cells.size() > 1 ? cells.getLast() : "");
    }

    private void line(String name, String prompt, String generated) {
        text.append(String.format("%-21s %15s %15s", name, prompt, generated).stripTrailing())
                .append('\n');
    }

    private static String counted(long count, double share) {
        return count + " (" + percent(share) + ")";
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    private static String decimal(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private static String milliseconds(Duration time) {
        return String.format(Locale.ROOT, "%.1f ms", time.toNanos() / 1e6);
    }
}
