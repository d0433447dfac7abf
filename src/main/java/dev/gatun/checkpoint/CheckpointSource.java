package dev.gatun.checkpoint;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a model lies, and what its files leave open.
 *
 * @param weights the folder with its weights
 * @param config the folder with config.json, generation_config.json and the tokenizer; the same as a rule
 * @param order that of 3-bit codes; empty for what the side file says, or else follows from their number
 * @param schemes how HQQ's matrices are stored
 */
public record CheckpointSource(Path weights, Path config, Optional<ThreeBitOrder> order, StatedSchemes schemes) {
    /** A folder that has everything. */
    public static CheckpointSource of(Path folder) {
        return new CheckpointSource(folder, folder, Optional.empty(), StatedSchemes.none());
    }
}
