package dev.gatun.jmh;

import dev.gatun.bench.Samples;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JMH's results in JSON ({@code -rf json}) as a table in Markdown. */
public final class BenchmarkTable {
    private static final List<String> RATES = List.of("gigabytesPerSecond", "gigabytes", "productGigabytesPerSecond");
    private static final List<String> PERCENTS = List.of("percentOfCeiling", "percent");
    private static final String NONE = "–";

    private BenchmarkTable() {}

    /** Prints the table of a file. */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("usage: BenchmarkTable RESULTS.json");
            return;
        }
        print(Path.of(arguments[0]), System.out);
    }

    static void print(Path results, PrintStream out) throws IOException {
        List<JsonNode> all = read(results);
        boolean hasHeap = all.stream().anyMatch(result -> heap(result).isPresent());
        out.println();
        out.println("| benchmark | parameters | time or rate | GB/s | TFLOP/s | percent of ceiling |"
                + (hasHeap ? " heap B/op |" : ""));
        out.println("|---|---|---|---|---|---|" + (hasHeap ? "---|" : ""));
        for (JsonNode result : all) {
            out.println(row(result) + (hasHeap ? " " + number(heap(result)) + " |" : ""));
        }
        ceilings(all).ifPresent(out::println);
        out.flush();
    }

    private static List<JsonNode> read(Path results) throws IOException {
        JsonNode array = JsonMapper.shared().readTree(Files.readString(results));
        return StreamSupport.stream(array.spliterator(), false).toList();
    }

    private static String row(JsonNode result) {
        return cells(
                name(result),
                parameters(result),
                time(result),
                number(first(result, RATES)),
                number(metric(result, "teraflopsPerSecond").filter(rate -> rate > 0)),
                number(first(result, PERCENTS)));
    }

    /** Bytes of an operation on the heap, if {@code -prof gc} counted them. */
    private static Optional<Double> heap(JsonNode result) {
        return metric(result, "gc.alloc.rate.norm").or(() -> metric(result, "·gc.alloc.rate.norm"));
    }

    private static String cells(String... cells) {
        return Arrays.stream(cells).collect(Collectors.joining(" | ", "| ", " |"));
    }

    /** Class and method, without the packages. */
    private static String name(JsonNode result) {
        String name = result.path("benchmark").asString();
        int method = name.lastIndexOf('.');
        return name.substring(name.lastIndexOf('.', method - 1) + 1);
    }

    private static String parameters(JsonNode result) {
        String parameters = result.path("params").properties().stream()
                .map(parameter ->
                        parameter.getKey() + " = " + parameter.getValue().asString())
                .collect(Collectors.joining(", "));
        return parameters.isEmpty() ? NONE : parameters;
    }

    /** What the device took, or how long reactions were, or else JMH's own score. */
    private static String time(JsonNode result) {
        Optional<Double> device = metric(result, "deviceMicroseconds");
        Optional<Double> median = metric(result, "medianMicroseconds");
        if (device.isPresent()) {
            return number(device) + " µs";
        }
        if (median.isPresent()) {
            return "median " + number(median) + " µs, 99 % " + number(metric(result, "p99Microseconds"))
                    + " µs, slowest " + number(metric(result, "slowestMicroseconds")) + " µs";
        }
        JsonNode score = result.path("primaryMetric");
        return number(Optional.of(score.path("score").asDouble())) + " "
                + score.path("scoreUnit").asString();
    }

    private static Optional<Double> first(JsonNode result, List<String> names) {
        return names.stream()
                .map(name -> metric(result, name))
                .flatMap(Optional::stream)
                .findFirst();
    }

    /** The median of a counter's values, one an iteration: JMH's own score of counters is their sum. */
    private static Optional<Double> metric(JsonNode result, String name) {
        List<Double> values = new ArrayList<>();
        for (JsonNode fork : result.path("secondaryMetrics").path(name).path("rawData")) {
            for (JsonNode iteration : fork) {
                values.add(iteration.asDouble());
            }
        }
        return values.isEmpty() ? Optional.empty() : Optional.of(new Samples(values).median());
    }

    /** The ceilings of all results that have some, which clocks move between them. */
    private static Optional<String> ceilings(List<JsonNode> all) {
        List<Double> reads = values(all, "ceilingGigabytesPerSecond");
        List<Double> products = values(all, "ceilingTeraflopsPerSecond");
        return reads.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        "\nCeilings: read " + range(reads) + " GB/s, tensor cores " + range(products) + " TFLOP/s");
    }

    private static List<Double> values(List<JsonNode> results, String name) {
        return results.stream()
                .map(result -> metric(result, name))
                .flatMap(Optional::stream)
                .sorted()
                .toList();
    }

    private static String range(List<Double> sorted) {
        return number(Optional.of(sorted.getFirst())) + " to " + number(Optional.of(sorted.getLast()));
    }

    /** Three digits that mean something. */
    private static String number(Optional<Double> value) {
        return value.map(number -> String.format(
                        Locale.ROOT, Math.abs(number) < 10 ? "%.2f" : Math.abs(number) < 100 ? "%.1f" : "%.0f", number))
                .orElse(NONE);
    }
}
