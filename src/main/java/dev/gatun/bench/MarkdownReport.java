package dev.gatun.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** A report as a Markdown table, in the shape of llama-bench's, below lines with the machine and its ceilings. */
public final class MarkdownReport {
    private static final String NONE = "–";

    private MarkdownReport() {}

    /** Lines, each with its end. */
    public static String of(BenchReport report) {
        boolean fetches =
                report.results().stream().anyMatch(result -> result.cost().isPresent());
        StringBuilder text = new StringBuilder();
        text.append("machine: ")
                .append(report.machine())
                .append("; ")
                .append(report.subject().device())
                .append('\n');
        if (!report.simulation().isNone()) {
            text.append("simulated, not this machine: ")
                    .append(report.simulation().description())
                    .append('\n');
        }
        text.append("ceilings: ").append(ceilings(report)).append('\n');
        if (!report.routing().isEmpty()) {
            text.append("routing: ").append(report.routing()).append('\n');
        }
        if (!report.options().isEmpty()) {
            text.append("options: ").append(report.options()).append('\n');
        }
        text.append('\n').append(head(fetches));
        report.results().forEach(result -> text.append(row(cells(report, result, fetches))));
        return text.append(RoadTable.of(report))
                .append(TimeTable.of(report.results()))
                .toString();
    }

    private static String ceilings(BenchReport report) {
        Ceilings measured = report.ceilings();
        StringBuilder text = new StringBuilder(decimal(1, measured.memory() / 1e9) + " GB/s memory read");
        measured.link().ifPresent(link -> text.append(", " + decimal(1, link / 1e9) + " GB/s over the link"));
        measured.host().ifPresent(read -> text.append(", " + decimal(1, read / 1e9) + " GB/s host memory read"));
        measured.roads().ifPresent(both -> text.append(", " + decimal(1, both / 1e9) + " GB/s both at once"));
        measured.operations().ifPresent(rate -> text.append(", " + decimal(0, rate / 1e12) + " TFLOP/s"));
        return text.toString();
    }

    private static String head(boolean fetches) {
        List<String> names = new ArrayList<>(List.of("model", "size", "backend", "GPU budget", "test"));
        if (fetches) {
            names.add("hits");
        }
        names.addAll(List.of("t/s", "bound t/s", "of bound"));
        List<String> rules = names.stream()
                .map(name -> List.of("model", "backend").contains(name) ? "---" : "---:")
                .toList();
        return row(names) + row(rules);
    }

    private static List<String> cells(BenchReport report, BenchResult result, boolean fetches) {
        BenchDescription subject = report.subject();
        Samples rates = result.rates();
        List<String> cells = new ArrayList<>(List.of(
                subject.model().replace("|", "\\|"),
                size(subject.bytes()),
                report.simulation().isNone() ? subject.backend() : subject.backend() + ", simulated",
                subject.gpuMemory().isPresent() ? size(subject.gpuMemory().getAsLong()) : NONE,
                result.test().label()));
        if (fetches) {
            cells.add(result.cost().map(cost -> decimal(3, cost.hitRatio())).orElse(NONE));
        }
        cells.add(decimal(2, rates.mean()) + " ± " + decimal(2, rates.deviation()));
        cells.add(optional(report.bound(result), 1, 1, ""));
        cells.add(optional(report.shareOfBound(result), 1, 100, " %"));
        return cells;
    }

    private static String optional(OptionalDouble value, int digits, double factor, String unit) {
        return value.isPresent() ? decimal(digits, value.getAsDouble() * factor) + unit : NONE;
    }

    private static String size(long bytes) {
        return bytes < 1L << 30
                ? decimal(2, bytes / (double) (1 << 20)) + " MiB"
                : decimal(2, bytes / (double) (1 << 30)) + " GiB";
    }

    static String decimal(int digits, double value) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    static String percent(double share) {
        return decimal(1, 100 * share) + " %";
    }

    static String row(List<String> cells) {
        return "| " + String.join(" | ", cells) + " |\n";
    }
}
