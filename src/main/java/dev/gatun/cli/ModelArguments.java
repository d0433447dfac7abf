package dev.gatun.cli;

import dev.gatun.BackendPreference;
import dev.gatun.GatunException;
import dev.gatun.ModelOptions;
import dev.gatun.ModelSource;
import dev.gatun.SessionOptions;
import dev.gatun.offload.OffloadOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say which model to run, and where. */
final class ModelArguments {
    @Option(
            names = {"-m", "--model"},
            paramLabel = "DIR",
            description =
                    "Model folder: Hugging Face Mixtral safetensors, the published 2-bit offloading checkpoint, or "
                            + "Gatun's own format; or OWNER/NAME, which gatun pull downloaded. Default: the demo model.")
    Optional<Path> directory = Optional.empty();

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "Where to run: auto, cpu or cuda. Default: auto.")
    BackendPreference backend;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "CPU threads. Default: one per processor.")
    int threads;

    @Option(
            names = {"-c", "--context"},
            paramLabel = "N",
            defaultValue = "0",
            description = "Tokens that prompt and answer can have together. Default: the model's limit, at most "
                    + SessionOptions.DEFAULT_CONTEXT + "; for gatun bench, what its tests need.")
    int context;

    @Mixin
    private final SourceArguments source = new SourceArguments();

    @Mixin
    private final OffloadArguments offload = new OffloadArguments();

    ModelOptions modelOptions() {
        ModelOptions options = ModelOptions.defaults().withBackend(backend).withThreads(threads);
        // A mistake in it is told when a session is opened, which knows the model's limit.
        return offload.over(options).withContextLength(Math.max(0, context));
    }

    /** How a model is to run that need not be here. */
    OffloadOptions offloadOptions(ModelOptions checked) {
        return offload.planned(checked);
    }

    /** Those of running with few experts on the GPU that are not the defaults, in words. */
    Stream<String> changedOptions() {
        return offload.changed();
    }

    SessionOptions sessionOptions() {
        return SessionOptions.defaults().withContextLength(context);
    }

    boolean isDemo() {
        return directory.isEmpty();
    }

    ModelSource source() {
        return source.model(directory.orElseGet(ModelArguments::demo));
    }

    /** The launcher says where the demo model lies. */
    private static Path demo() {
        String folder = System.getProperty("gatun.demo");
        if (folder == null || !Files.isDirectory(Path.of(folder))) {
            throw new GatunException("model: the demo model is not installed here; name a folder with -m DIR");
        }
        return Path.of(folder);
    }
}
