package dev.gatun.cli;

import dev.gatun.ModelSource;
import dev.gatun.RowOrder;
import dev.gatun.checkpoint.CheckpointSource;
import dev.gatun.checkpoint.ThreeBitOrder;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say what a model folder leaves open. */
final class SourceArguments {
    @Option(
            names = "--config",
            paramLabel = "DIR",
            description =
                    "Folder with config.json and the tokenizer, if the model's own has none. Default: the model's.")
    private Optional<Path> config = Optional.empty();

    @Option(
            names = "--row-order",
            paramLabel = "NAME",
            description =
                    "How 3-bit codes lie in their words, where that cannot be told from their number: native, split "
                            + "or interleaved.")
    private Optional<RowOrder> rowOrder = Optional.empty();

    /** A folder to run. */
    ModelSource model(Path folder) {
        return new ModelSource(folder, config, rowOrder);
    }

    /** A folder to look at. */
    CheckpointSource checkpoint(Path folder) {
        return new CheckpointSource(
                folder, config.orElse(folder), rowOrder.map(order -> ThreeBitOrder.valueOf(order.name())));
    }
}
