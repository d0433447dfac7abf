package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.Model;
import dev.gatun.ModelOptions;
import dev.gatun.Perplexity;
import dev.gatun.PerplexityListener;
import dev.gatun.PerplexityOptions;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

/** {@code gatun perplexity}: how well a model predicts a text. */
@Command(
        name = "perplexity",
        description = "Measures how well a model predicts a text, cut into windows that are evaluated one by one.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun perplexity -m DIR heldout.txt",
            "      windows of 1024 tokens, each after a beginning-of-text token",
            "  gatun perplexity -m DIR heldout.txt --plain --window 2048 --stride 512",
            "      overlapping windows: every token has 1536 before it, or all there are",
            "",
            "Compare only figures of the same text, tokenizer, window and stride.",
            "Exit status: 0 done, 2 a mistake in what was given, 130 Ctrl-C, 1 a bug."
        })
final class PerplexityCommand implements Callable<Integer> {
    private final Console console;
    private final AtomicBoolean interrupted;

    @Mixin
    private final ModelArguments model = new ModelArguments();

    @Parameters(paramLabel = "FILE", description = "A UTF-8 file with the text; - for standard input.")
    private Path file;

    @Option(
            names = {"-w", "--window"},
            paramLabel = "N",
            defaultValue = "0",
            description = "Tokens of a window. Default: " + PerplexityOptions.DEFAULT_WINDOW
                    + ", at most the model's context.")
    private int window;

    @Option(
            names = "--stride",
            paramLabel = "N",
            description =
                    "Tokens from the beginning of a window to that of the next; each token is scored once. Default: "
                            + "windows do not overlap.")
    private Optional<Integer> stride = Optional.empty();

    @Option(
            names = "--plain",
            description = "Put a beginning-of-text token before the text alone, not before each window.")
    private boolean plain;

    @Option(names = "--windows", paramLabel = "N", description = "Evaluate so many windows at most. Default: all.")
    private Optional<Integer> windows = Optional.empty();

    @Option(
            names = "--kv-bits",
            paramLabel = "N",
            defaultValue = "16",
            description = "Bits of keys and values: 16, or 32 for comparisons with a reference. Default: 16.")
    private int keyValueBits;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    PerplexityCommand(Console console, AtomicBoolean interrupted) {
        this.console = console;
        this.interrupted = interrupted;
    }

    @Override
    public Integer call() {
        PerplexityOptions options = new PerplexityOptions(window, given(stride), !plain, given(windows), keyValueBits);
        if (model.context != 0) {
            throw new GatunException("context: --context is the window here; give it with --window");
        }
        String text = file.toString().equals("-") ? Utf8Text.of("text", console.in()) : Utf8Text.of("text", file);
        try (Model opened = open()) {
            console.err().println(Report.opening(opened));
            console.err().print(Report.notes(opened.backend().notes()));
            Perplexity perplexity = evaluate(opened, text, options);
            console.out().println(json ? json(opened, perplexity) : words(perplexity));
        }
        return ExitCode.OK;
    }

    private static OptionalInt given(Optional<Integer> value) {
        return value.map(OptionalInt::of).orElse(OptionalInt.empty());
    }

    /** Keys and values of 32 bits take the memory of twice as many tokens. */
    private Model open() {
        long tokens = window > 0 ? window : PerplexityOptions.DEFAULT_WINDOW;
        int planned = Math.toIntExact(Math.min(Integer.MAX_VALUE, tokens * keyValueBits / 16));
        ModelOptions options = model.modelOptions().withContextLength(planned);
        try (LoadingProgress loading = new LoadingProgress(console, false, interrupted, InstantSource.system())) {
            return InterruptHook.duringOpening(interrupted, () -> Model.open(model.source(), options, loading));
        }
    }

    private Perplexity evaluate(Model opened, String text, PerplexityOptions options) {
        return new LongWork(console, interrupted, "a text was evaluated").run(progress -> {
            PerplexityListener listener = (soFar, all) ->
                    progress.step(String.format(Locale.ROOT, "perplexity %.3f", soFar.value()), soFar.windows(), all);
            return opened.perplexity(text, options, listener);
        });
    }

    private static String words(Perplexity perplexity) {
        return String.format(
                Locale.ROOT,
                "perplexity %.4f ± %.4f (%d tokens in %d window%s)",
                perplexity.value(),
                perplexity.standardError(),
                perplexity.tokens(),
                perplexity.windows(),
                perplexity.windows() == 1 ? "" : "s");
    }

    private String json(Model opened, Perplexity perplexity) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", opened.name());
        fields.put("backend", opened.backend().name());
        fields.put("text", file.toString());
        fields.put("begin_each_window", !plain);
        fields.put("perplexity", perplexity.value());
        fields.put("standard_error", perplexity.standardError());
        fields.put("mean_negative_log_likelihood", perplexity.meanNegativeLogLikelihood());
        fields.put("tokens", perplexity.tokens());
        fields.put("windows", perplexity.windows());
        return JsonMapper.shared().writeValueAsString(fields);
    }
}
