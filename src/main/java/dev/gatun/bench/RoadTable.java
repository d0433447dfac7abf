package dev.gatun.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What each road to missing experts carried in each test, as a Markdown table: per token, and of what the road can carry. */
final class RoadTable {
    private static final List<String> NAMES = List.of(
            "test",
            "copied MB",
            "CPU read MB",
            "fetched",
            "split",
            "computed",
            "both GB/s",
            "link use",
            "host memory use",
            "CPU busy",
            "CPU wait ms");

    private RoadTable() {}

    /** Lines, each with its end, behind an empty one; nothing where no experts were missing. */
    static String of(BenchReport report) {
        StringBuilder rows = new StringBuilder();
        for (BenchResult result : report.results()) {
            result.cost().filter(cost -> cost.bytes() > 0).ifPresent(cost -> rows.append(row(report, result, cost)));
        }
        return rows.isEmpty() ? "" : "\n" + head() + rows;
    }

    private static String head() {
        return MarkdownReport.row(NAMES) + MarkdownReport.row(Collections.nCopies(NAMES.size(), "---:"));
    }

    private static String row(BenchReport report, BenchResult result, FetchCost cost) {
        RoadCost roads = cost.roads();
        RoadUse use = RoadUse.of(result, cost, report.ceilings());
        double tokens = result.tokens();
        List<String> cells = new ArrayList<>();
        cells.add(result.test().label());
        cells.add(MarkdownReport.decimal(1, cost.bytesUp() / tokens / 1e6));
        cells.add(MarkdownReport.decimal(1, roads.bytes() / tokens / 1e6));
        cells.add(MarkdownReport.decimal(2, roads.fetched() / tokens));
        cells.add(MarkdownReport.decimal(2, roads.split() / tokens));
        cells.add(MarkdownReport.decimal(2, roads.computed() / tokens));
        cells.add(MarkdownReport.decimal(1, use.bytesPerSecond() / 1e9));
        cells.add(MarkdownReport.percent(use.link()));
        cells.add(MarkdownReport.percent(use.host()));
        cells.add(MarkdownReport.percent(use.cpuBusy()));
        cells.add(MarkdownReport.decimal(3, 1e3 * roads.waited() / tokens));
        return MarkdownReport.row(cells);
    }
}
