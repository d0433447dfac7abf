package dev.gatun.cli;

import dev.gatun.BackendPreference;
import dev.gatun.GatunException;
import dev.gatun.HostMemoryMode;
import dev.gatun.ModelOptions;
import dev.gatun.bench.BenchDescription;
import dev.gatun.bench.BenchPlan;
import dev.gatun.bench.BenchProgress;
import dev.gatun.bench.BenchReport;
import dev.gatun.bench.BenchResult;
import dev.gatun.bench.BenchRunner;
import dev.gatun.bench.BenchSubject;
import dev.gatun.bench.BenchSubjects;
import dev.gatun.bench.Ceilings;
import dev.gatun.bench.CsvReport;
import dev.gatun.bench.JsonReport;
import dev.gatun.bench.MarkdownReport;
import dev.gatun.bench.RoutingPreset;
import dev.gatun.bench.Simulation;
import dev.gatun.bench.SyntheticRequest;
import dev.gatun.offload.ModelShape;
import dev.gatun.offload.PlanException;
import java.io.IOException;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gatun bench}: how fast a model is, and how fast the machine could be. */
@Command(
        name = "bench",
        description = "Measures tokens a second for prompts (pp) and for generating (tg), each beside what the machine "
                + "allows, which is measured as well.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun bench",
            "      the demo model",
            "  gatun bench -m DIR -p 512,2048 -n 128 --gpu-memory 12GiB",
            "      your own model inside a budget",
            "  gatun bench --synthetic mixtral-8x7b --gpu-memory 12GiB --routing 0.7",
            "      random weights, and 7 of 10 chosen experts found on the GPU",
            "  gatun bench --synthetic mixtral-8x7b --simulate-link 12GB/s",
            "      the same as on a machine with PCIe 3",
            "",
            "The bound of tg is 1 / (missing bytes / (link + host memory) + reading the",
            "trunk + reading the experts of layers that only hit), with --misses fetch the",
            "link alone; that of pp the longest of fetching, reading all weights once, and",
            "arithmetic. Prompts are random tokens, and generating is greedy. Sequences have",
            "room for the longest test, or --context.",
            "Exit status: 0 done, 2 a mistake in what was given, 130 Ctrl-C, 1 a bug."
        })
final class BenchCommand implements Callable<Integer> {
    /** How a report is written. */
    enum Format {
        /** A Markdown table. */
        MD,
        /** Comma-separated values. */
        CSV,
        /** One object, with all samples. */
        JSON
    }

    private final Console console;
    private final AtomicBoolean interrupted;

    @Mixin
    private final ModelArguments model = new ModelArguments();

    @Option(
            names = "--synthetic",
            paramLabel = "SHAPE",
            description =
                    "Instead of a folder, random weights of this shape, on a GPU: mixtral-8x7b, mixtral-8x22b, or "
                            + "sizes: hidden=4096,ffn=14336,layers=32,experts=8,top=2,heads=32,kv-heads=8,vocab=32000.")
    private Optional<String> synthetic = Optional.empty();

    @Option(
            names = "--bits",
            paramLabel = "B",
            description = "Bits a weight of synthetic experts: 3.0 or 2.53. Default: 3.0.")
    private Optional<String> bits = Optional.empty();

    @Option(
            names = "--routing",
            paramLabel = "NAME",
            description =
                    "How a synthetic router chooses: uniform, real-text (repeats itself as text does), or the share "
                            + "of chosen experts that are on the GPU, such as 0.7. Default: uniform.")
    private Optional<String> routing = Optional.empty();

    @Option(
            names = "--one-way",
            description =
                    "Of synthetic models in exclusive mode, copy to the GPU and back in turn instead of at once: a "
                            + "comparison that shows what swapping both ways at once is worth.")
    private boolean oneWay;

    @Mixin
    private final SimulationArguments simulated = new SimulationArguments();

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "N",
            split = ",",
            defaultValue = "512",
            description = "Tokens of prompts, a test for each: 512,2048; 0 for none. Default: 512.")
    private List<Integer> prompts;

    @Option(
            names = {"-n", "--generate"},
            paramLabel = "N",
            split = ",",
            defaultValue = "128",
            description = "Tokens to generate, a test for each: 64,128; 0 for none. Default: 128.")
    private List<Integer> generations;

    @Option(
            names = {"-r", "--repetitions"},
            paramLabel = "N",
            defaultValue = "3",
            description = "Times that each test is run. Default: 3.")
    private int repetitions;

    @Option(
            names = "--warmup",
            paramLabel = "N",
            defaultValue = "16",
            description =
                    "Tokens that are generated before each test of generating and not counted; a prompt is processed "
                            + "once before it counts. 0 for no warming up. Default: 16.")
    private int warmUp;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            defaultValue = "md",
            description = "md, csv or json, which has all samples and their median. Default: md.")
    private Format format;

    @Option(
            names = "--stats",
            description = "Say where the time went as well, if experts are fetched: link and GPU busy, and the time of "
                    + "each part. Measuring it costs some microseconds for each layer.")
    private boolean stats;

    BenchCommand(Console console, AtomicBoolean interrupted) {
        this.console = console;
        this.interrupted = interrupted;
    }

    @Override
    public Integer call() throws IOException {
        BenchPlan plan = BenchPlan.of(prompts, generations, repetitions, warmUp);
        List<BenchResult> results = new ArrayList<>();
        BenchDescription description;
        ModelOptions options = options(plan);
        try (ProgressLine progress = new ProgressLine(console);
                BenchSubject subject = InterruptHook.duringOpening(interrupted, () -> open(options, progress))) {
            description = subject.description();
            simulated.requireLink(description);
            console.err().print(Report.notes(subject.notes()));
            BenchRunner runner = new BenchRunner(subject, plan, progress, interrupted::get);
            InterruptHook.during(subject::cancel, interrupted, () -> results.addAll(runner.run()));
        }
        report(description, options, results);
        return ExitCode.OK;
    }

    /** With room for what the tests need, unless it was given. */
    private ModelOptions options(BenchPlan plan) {
        int context = model.context == 0 ? plan.longestSequence() : model.context;
        return simulated.over(model.modelOptions().withContextLength(context).withTimes(stats));
    }

    private BenchSubject open(ModelOptions options, ProgressLine progress) {
        if (synthetic.isEmpty()) {
            requireSynthetic("--bits", bits);
            requireSynthetic("--routing", routing);
            requireSynthetic("--one-way", oneWay ? Optional.of("") : Optional.empty());
            return openFolder(options);
        }
        requireFitting(options);
        try {
            return BenchSubjects.synthetic(request(options), heedingInterrupts(progress));
        } catch (PlanException impossible) {
            throw new GatunException(impossible.getMessage(), impossible);
        }
    }

    private BenchSubject openFolder(ModelOptions options) {
        try (LoadingProgress loading = new LoadingProgress(console, false, interrupted, InstantSource.system())) {
            return BenchSubjects.model(model.source(), options, options.contextLength(), loading);
        }
    }

    private BenchProgress heedingInterrupts(BenchProgress progress) {
        return (what, done, total) -> {
            if (interrupted.get()) {
                throw new CancellationException("Ctrl-C while " + what);
            }
            progress.step(what, done, total);
        };
    }

    private static void requireSynthetic(String option, Optional<String> value) {
        if (value.isPresent()) {
            throw new GatunException(
                    option + ": it is for synthetic models alone; name one with --synthetic mixtral-8x7b");
        }
    }

    private void requireFitting(ModelOptions options) {
        if (model.directory.isPresent()) {
            throw new GatunException("model: -m DIR and --synthetic SHAPE are mutually exclusive");
        }
        if (options.backend() == BackendPreference.CPU) {
            throw new GatunException("backend: synthetic models run on a GPU alone; leave --backend cpu out");
        }
        if (oneWay && options.hostMode() == HostMemoryMode.INCLUSIVE) {
            throw new GatunException("--one-way: nothing goes back to the host unless with --host-mode exclusive");
        }
    }

    private SyntheticRequest request(ModelOptions options) {
        return new SyntheticRequest(
                ModelShape.parse(synthetic.orElseThrow()),
                Bits.format(bits.orElse("3.0")),
                RoutingPreset.parse(routing.orElse("uniform")),
                model.offloadOptions(options),
                oneWay,
                options.contextLength(),
                options.times(),
                options.threads(),
                options.simulatedLink());
    }

    /** What the machine allows is measured once the model has left its memory. */
    private void report(BenchDescription description, ModelOptions options, List<BenchResult> results)
            throws IOException {
        String router = synthetic.isPresent() ? routing.orElse("uniform") : "";
        Simulation simulation = simulated.simulation();
        BenchReport report = new BenchReport(
                machine(),
                description,
                router,
                changedOptions(),
                options.misses(),
                simulation,
                Ceilings.measure(description.backend(), simulation),
                results);
        console.out()
                .print(
                        switch (format) {
                            case MD -> MarkdownReport.of(report);
                            case CSV -> CsvReport.of(report);
                            case JSON -> JsonReport.of(report);
                        });
        console.out().flush();
        console.outFailure().ifPresent(reason -> {
            throw new GatunException("output: standard output cannot be written: " + reason);
        });
    }

    private String changedOptions() {
        return Stream.concat(model.changedOptions(), oneWay ? Stream.of("one way at a time") : Stream.empty())
                .collect(Collectors.joining(", "));
    }

    private static String machine() throws IOException {
        return "%s %s, %d processors, Java %s, Gatun %s, %s"
                .formatted(
                        System.getProperty("os.name"),
                        System.getProperty("os.arch"),
                        Runtime.getRuntime().availableProcessors(),
                        Runtime.version().feature(),
                        Version.ofGatun(),
                        LocalDate.now(ZoneId.systemDefault()));
    }
}
