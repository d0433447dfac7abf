package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.Generation;
import dev.gatun.GenerationOptions;
import dev.gatun.Model;
import dev.gatun.ModelOptions;
import dev.gatun.RoutingRecorder;
import dev.gatun.Session;
import dev.gatun.SessionOptions;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gatun generate}: text from a model to standard output. */
@Command(
        name = "generate",
        description = "Generates text. The text goes to standard output, everything else to standard error.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun generate",
            "      a story from the demo model",
            "  gatun generate -m DIR --chat -p \"Why is the sky blue?\"",
            "      an answer, in the model's own chat format",
            "  gatun generate -m DIR -f chapter.txt -n 500 --temperature 0 -q > next.txt",
            "      the most likely 500 tokens after a file, and nothing but them",
            "  echo \"Three locks lift a ship\" | gatun generate -m DIR --json",
            "      a JSON object with text and statistics",
            "",
            "Exit status: 0 done, 2 a mistake in what was given, 130 Ctrl-C, 1 a bug."
        })
final class GenerateCommand implements Callable<Integer> {
    /** Layers ahead: enough for a plot, and cheap on the CPU. */
    private static final int USUAL_GUESSES = 3;

    private final Console console;
    private final AtomicBoolean interrupted;

    @Mixin
    private final ModelArguments model = new ModelArguments();

    @Mixin
    private final PromptArguments prompt = new PromptArguments();

    @Mixin
    private final SamplingArguments sampling = new SamplingArguments();

    @Option(
            names = "--chat",
            description = "Take the prompt as a user's message and answer in the model's chat format.")
    private boolean chat;

    @Option(names = "--echo", negatable = true, description = "Print the prompt before the text.")
    private Boolean echo;

    @Option(names = "--json", description = "Print one JSON object with text and statistics instead of the text.")
    private boolean json;

    @Option(
            names = "--stats",
            description =
                    "Print what fetching experts cost and where the time went, for the prompt and for what was generated, to "
                            + "standard error.")
    private boolean stats;

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description =
                    "Record which experts each layer chose for each token, as JSON lines; for gatun trace. Where experts are "
                            + "fetched, what that cost stands there as well.")
    private Optional<Path> trace = Optional.empty();

    @Option(
            names = "--trace-guesses",
            paramLabel = "LAYERS",
            description = "Record also what the routers of so many layers ahead would choose, on the CPU; 0 for none "
                    + "(default: 3 on the CPU, 0 on a GPU, which keeps its guesses to itself).")
    private Optional<Integer> traceGuesses = Optional.empty();

    @Option(
            names = {"-q", "--quiet"},
            description = "Print nothing but the text, and errors.")
    private boolean quiet;

    GenerateCommand(Console console, AtomicBoolean interrupted) {
        this.console = console;
        this.interrupted = interrupted;
    }

    @Override
    public Integer call() {
        if (trace.isEmpty() && traceGuesses.isPresent()) {
            throw new GatunException("trace-guesses: there is no --trace FILE to record them in");
        }
        String text = prompt.read(console, model.isDemo());
        try (Model opened = open()) {
            GenerationOptions options = sampling.over(opened.defaultOptions());
            if (!quiet) {
                console.err().println(Report.opening(opened));
                console.err().print(Report.notes(opened.backend().notes()));
            }
            if (trace.isPresent()) {
                try (RoutingRecorder recorder = RoutingRecorder.create(trace.get(), opened, guessedLayers(opened))) {
                    SessionOptions recorded = model.sessionOptions().withRoutingListener(recorder);
                    generate(opened, recorded, text, options);
                }
            } else {
                generate(opened, model.sessionOptions(), text, options);
            }
        }
        return ExitCode.OK;
    }

    private int guessedLayers(Model opened) {
        return traceGuesses.orElse(opened.canGuessRouting() ? USUAL_GUESSES : 0);
    }

    private Model open() {
        // Times are taken where they are shown.
        ModelOptions options = model.modelOptions().withTimes(stats || json || trace.isPresent());
        try (LoadingProgress loading = new LoadingProgress(console, quiet, interrupted, InstantSource.system())) {
            return InterruptHook.duringOpening(interrupted, () -> Model.open(model.source(), options, loading));
        }
    }

    private void generate(Model opened, SessionOptions sessionOptions, String text, GenerationOptions options) {
        try (Session session = opened.newSession(sessionOptions)) {
            InterruptHook.during(session::cancel, interrupted, () -> generate(opened, session, text, options));
        }
    }

    private void generate(Model opened, Session session, String text, GenerationOptions options) {
        boolean echoed = echo == null ? !json && text.equals(PromptArguments.DEMO) : echo;
        if (echoed && !json) {
            console.out().print(text);
        }
        Generation generation;
        try (TextPrinter printer =
                new TextPrinter(console, session, interrupted, !json, !quiet && console.errIsTerminal())) {
            generation = chat ? session.chat(text, options, printer) : session.generate(text, options, printer);
        }
        if (json) {
            console.out().println(Report.json(opened, text, generation));
        } else {
            console.out().println();
        }
        console.out().flush();
        console.outFailure().ifPresent(reason -> {
            throw new GatunException("output: standard output cannot be written: " + reason);
        });
        if (!quiet) {
            console.err().println(Report.closing(generation));
        }
        if (stats) {
            console.err()
                    .print(StatisticsTable.of(
                            generation.statistics(), opened.backend().hostMemory()));
        }
    }
}
