package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.offload.CacheShape.Sharing;
import dev.gatun.offload.CurvePage;
import dev.gatun.offload.CurvePage.Curve;
import dev.gatun.offload.PolicyKind;
import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.TraceException;
import dev.gatun.offload.TraceReader;
import dev.gatun.offload.TraceReplay;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gatun trace}: what each cache policy would have made of recorded routing. */
@Command(
        name = "trace",
        description =
                "Replays recorded routing through every cache policy and every cache size, and prints hit ratios; and "
                        + "how well routers, asked layers ahead, would have guessed what to prefetch.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun generate -m DIR -n 1000 --trace routing.jsonl",
            "      records",
            "  gatun trace routing.jsonl --html curves.html",
            "      prints the table, and draws the curves",
            "",
            "Policies: lru, lfu (an asking counts half after 128 tokens), fifo, fixed (the",
            "experts that the first half used most), and best, which knows the future.",
            "The first half of the trace warms the cache, the second half counts. Every cache",
            "has a few staging slots besides, as many as a layer needs for one token.",
            "",
            "Guesses are there if gatun generate recorded them (--trace-guesses): what the",
            "router of a later layer says to what this layer's router sees. A recall of 1",
            "means that all experts the later layer chose were among the k likeliest. To copy",
            "the k-th ahead pays while p x time saved > (1 - p) x time lost, p being how",
            "often it is right; --prefetch measures both, and copies no more than that.",
            "",
            "Exit status: 0 done, 2 a mistake in what was given, 1 a bug."
        })
final class TraceCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "FILE", description = "What gatun generate --trace FILE wrote.")
    private Path file;

    @Option(names = "--html", paramLabel = "OUT", description = "Also write a page with pictures of the curves.")
    private Optional<Path> html = Optional.empty();

    @Option(names = "--by-layer", description = "Also print the recall for each layer that was guessed.")
    private boolean byLayer;

    TraceCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        RoutingTrace trace = read();
        if (byLayer && trace.guesses().isEmpty()) {
            throw new GatunException("by-layer: `" + file + "` has no guesses; record them with --trace-guesses");
        }
        html.ifPresent(this::requireAnotherFile);
        TraceReplay replay = new TraceReplay(trace);
        List<Curve> curves = curves(replay);
        console.out().println(title(trace, replay));
        table(trace, curves);
        Optional<RecallTable> recall = trace.guesses().map(guesses -> new RecallTable(trace, guesses, replay));
        recall.ifPresent(guessed -> print(guessed.lines(byLayer)));
        html.ifPresent(out -> write(out, CurvePage.of(title(trace, replay), plots(curves, recall))));
        return ExitCode.OK;
    }

    private static List<CurvePage.Plot> plots(List<Curve> hitRatios, Optional<RecallTable> recall) {
        CurvePage.Plot hits = new CurvePage.Plot("slots per layer", "hit ratio", hitRatios);
        return Stream.concat(Stream.of(hits), recall.map(RecallTable::plot).stream())
                .toList();
    }

    private void print(List<String> lines) {
        console.out().println();
        lines.forEach(console.out()::println);
    }

    private RoutingTrace read() {
        try {
            return TraceReader.read(file);
        } catch (TraceException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
    }

    private static List<Curve> curves(TraceReplay replay) {
        List<Curve> curves = new ArrayList<>();
        for (Sharing sharing : Sharing.values()) {
            boolean pool = sharing == Sharing.POOL;
            int colour = 0;
            for (PolicyKind kind : PolicyKind.values()) {
                curves.add(new Curve(
                        kind.label() + (pool ? ", pool" : ""), pool, colour++, replay.hitRatios(kind, sharing)));
            }
        }
        return curves;
    }

    private static String title(RoutingTrace trace, TraceReplay replay) {
        return "%s: %d layers of %d experts, %d per token; hit ratios of %d tokens after %d that warm the cache"
                .formatted(
                        trace.model(),
                        trace.layers(),
                        trace.experts(),
                        trace.expertsPerToken(),
                        trace.tokens() - replay.warmUpTokens(),
                        replay.warmUpTokens());
    }

    /** One row for each size; the first column is what routing by chance would give. */
    private void table(RoutingTrace trace, List<Curve> curves) {
        int half = curves.size() / 2;
        String wide = "%-" + 7 * half + "s";
        console.out().println(String.format("%-16s " + wide + "  %s", "slots", "slots of each layer", "one pool"));
        console.out()
                .println(row(
                        "a layer",
                        "chance",
                        curves.stream()
                                .map(curve -> curve.label().replace(", pool", ""))
                                .toList()));
        for (int slots = 1; slots <= trace.experts(); slots++) {
            int size = slots;
            List<String> ratios = curves.stream()
                    .map(curve -> ratio(curve.ratios().get(size - 1)))
                    .toList();
            console.out().println(row(String.valueOf(slots), ratio((double) slots / trace.experts()), ratios));
        }
    }

    private static String ratio(double ratio) {
        return String.format(Locale.ROOT, "%.3f", ratio);
    }

    private static String row(String name, String chance, List<String> cells) {
        int half = cells.size() / 2;
        return String.format("%-8s%-8s ", name, chance)
                + IntStream.range(0, cells.size())
                        .mapToObj(i -> (i == half ? "  " : "") + String.format("%-7s", cells.get(i)))
                        .collect(Collectors.joining())
                        .stripTrailing();
    }

    private void requireAnotherFile(Path out) {
        try {
            if (Files.exists(out) && Files.isSameFile(file, out)) {
                throw new GatunException("html: `" + out + "` is the recording itself; name another file");
            }
        } catch (IOException failure) {
            throw unwritable(out, failure);
        }
    }

    private static void write(Path out, String page) {
        try {
            Files.writeString(out, page);
        } catch (IOException failure) {
            throw unwritable(out, failure);
        }
    }

    private static GatunException unwritable(Path out, IOException failure) {
        String reason = failure instanceof NoSuchFileException ? "there is no such folder" : failure.getMessage();
        return new GatunException("html: `" + out + "` cannot be written: " + reason, failure);
    }
}
