package dev.gatun.cli;

import dev.gatun.ModelSource;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where a model's configuration lies. Wherever options name a folder, OWNER/NAME of a hub does as well. */
final class ConfigArguments {
    @Option(
            names = "--config",
            paramLabel = "DIR",
            description =
                    "Folder with config.json and the tokenizer, if the model's own has none; or OWNER/NAME, which gatun "
                            + "pull downloaded. Default: the model's.")
    private Optional<Path> config = Optional.empty();

    /** A model whose files leave nothing else open. */
    ModelSource model(Path named) {
        ModelSource source = ModelSource.of(ModelPlace.of(named));
        return config.map(ModelPlace::of).map(source::withConfig).orElse(source);
    }
}
