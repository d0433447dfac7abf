package dev.gatun.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.DoubleStream;

/** Where the time of each test went, as a Markdown table: shares of it, and milliseconds a token by part. */
final class TimeTable {
    private static final List<String> NAMES = List.of(
            "test",
            "link busy",
            "GPU busy",
            "attention ms",
            "router ms",
            "experts ms",
            "copy wait ms",
            "CPU wait ms",
            "host wait ms");

    private TimeTable() {}

    /** Lines, each with its end, behind an empty one; nothing where no times were measured. */
    static String of(List<BenchResult> results) {
        StringBuilder rows = new StringBuilder();
        for (BenchResult result : results) {
            result.times().ifPresent(times -> rows.append(row(result, times)));
        }
        return rows.isEmpty() ? "" : "\n" + head() + rows;
    }

    private static String head() {
        return MarkdownReport.row(NAMES) + MarkdownReport.row(Collections.nCopies(NAMES.size(), "---:"));
    }

    private static String row(BenchResult result, TimeCost times) {
        List<String> cells = new ArrayList<>(List.of(
                result.test().label(),
                MarkdownReport.percent(times.link() / result.seconds()),
                MarkdownReport.percent(times.computing() / result.seconds())));
        DoubleStream.of(times.attention(), times.router(), times.experts(), times.waiting(), times.cpu(), times.host())
                .forEach(seconds -> cells.add(MarkdownReport.decimal(3, 1e3 * seconds / result.tokens())));
        return MarkdownReport.row(cells);
    }
}
