package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.Generation;
import dev.gatun.GenerationOptions;
import dev.gatun.Model;
import dev.gatun.RoutingRecorder;
import dev.gatun.Session;
import dev.gatun.SessionOptions;
import java.nio.file.Path;
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
            "  gatun generate -m Mixtral-8x7B-Instruct-v0.1-offloading-demo --chat -p \"Why is the sky blue?\"",
            "      an answer, in the model's own chat format",
            "  gatun generate -m DIR -f chapter.txt -n 500 --temperature 0 -q > next.txt",
            "      the most likely 500 tokens after a file, and nothing but them",
            "  echo \"Three locks lift a ship\" | gatun generate -m DIR --json",
            "      a JSON object with text and statistics",
            "",
            "Exit status: 0 done, 2 a mistake in what was given, 130 ended by Ctrl-C, 1 a bug."
        })
final class GenerateCommand implements Callable<Integer> {
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
            names = "--trace",
            paramLabel = "FILE",
            description = "Record which experts each layer chose for each token, as JSON lines; for gatun trace.")
    private Optional<Path> trace = Optional.empty();

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
        String text = prompt.read(console, model.isDemo());
        try (Model opened = Model.open(model.folder(), model.modelOptions())) {
            GenerationOptions options = sampling.over(opened.defaultOptions());
            if (!quiet) {
                console.err().println(Report.opening(opened));
            }
            if (trace.isPresent()) {
                try (RoutingRecorder recorder = RoutingRecorder.create(trace.get(), opened)) {
                    SessionOptions recorded = model.sessionOptions().withRoutingListener(recorder);
                    generate(opened, recorded, text, options);
                }
            } else {
                generate(opened, model.sessionOptions(), text, options);
            }
        }
        return ExitCode.OK;
    }

    private void generate(Model opened, SessionOptions sessionOptions, String text, GenerationOptions options) {
        try (Session session = opened.newSession(sessionOptions)) {
            InterruptHook.during(session, interrupted, () -> generate(opened, session, text, options));
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
    }
}
