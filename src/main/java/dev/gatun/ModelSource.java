package dev.gatun;

import dev.gatun.checkpoint.CheckpointSource;
import dev.gatun.checkpoint.StatedSchemes;
import dev.gatun.checkpoint.ThreeBitOrder;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a model lies, and what its files leave open.
 *
 * @param weights the folder with its weights
 * @param config the folder with config.json, generation_config.json and the tokenizer; empty if that is the same
 * @param rowOrder that of 3-bit codes; empty for what a side file says, or else follows from their number
 * @param attentionScheme how HQQ's matrices of attention are stored; empty for what a side file says, or else follows from
 *     the numbers of their elements
 * @param expertScheme how HQQ's matrices of experts are stored; empty likewise
 */
public record ModelSource(
        Path weights,
        Optional<Path> config,
        Optional<RowOrder> rowOrder,
        Optional<StoredScheme> attentionScheme,
        Optional<StoredScheme> expertScheme) {
    /** A folder that has everything. */
    public static ModelSource of(Path folder) {
        return new ModelSource(folder, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** This source with configuration and tokenizer from another folder. */
    public ModelSource withConfig(Path folder) {
        return new ModelSource(weights, Optional.of(folder), rowOrder, attentionScheme, expertScheme);
    }

    /** This source with its 3-bit codes in this order. */
    public ModelSource withRowOrder(RowOrder order) {
        return new ModelSource(weights, config, Optional.of(order), attentionScheme, expertScheme);
    }

    /** This source with its matrices of attention stored so. */
    public ModelSource withAttentionScheme(StoredScheme scheme) {
        return new ModelSource(weights, config, rowOrder, Optional.of(scheme), expertScheme);
    }

    /** This source with its matrices of experts stored so. */
    public ModelSource withExpertScheme(StoredScheme scheme) {
        return new ModelSource(weights, config, rowOrder, attentionScheme, Optional.of(scheme));
    }

    /** The same for Gatun's own commands, which open checkpoints without a model. */
    @SuppressWarnings("exports") // its package is none that other modules see
    public CheckpointSource forCheckpoint() {
        return new CheckpointSource(
                weights,
                config.orElse(weights),
                rowOrder.map(ModelSource::forCheckpoint),
                new StatedSchemes(attentionScheme.map(StoredScheme::stated), expertScheme.map(StoredScheme::stated)));
    }

    private static ThreeBitOrder forCheckpoint(RowOrder order) {
        return switch (order) {
            case NATIVE -> ThreeBitOrder.NATIVE;
            case SPLIT -> ThreeBitOrder.SPLIT;
            case INTERLEAVED -> ThreeBitOrder.INTERLEAVED;
        };
    }
}
