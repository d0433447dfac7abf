package dev.gatun.checkpoint;

import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.JavaTiler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Writes weights as a folder in Gatun's own format, without a tokenizer. */
public final class GatunFolder {
    private GatunFolder() {}

    /** Writes a model, with its experts in tiles if all of them can be. */
    public static void write(Path folder, MixtralConfig config, ModelWeights weights) {
        write(folder, config, weights, block(weights), tensor -> tensor);
    }

    /** Writes a model with the experts' matrices as they are. */
    public static void writeMatrices(Path folder, MixtralConfig config, ModelWeights weights) {
        writeMatrices(folder, config, weights, tensor -> tensor);
    }

    /** The same with what {@code change} makes of each of their tensors. */
    static void writeMatrices(
            Path folder, MixtralConfig config, ModelWeights weights, UnaryOperator<NamedTensor> change) {
        write(folder, config, weights, Optional.empty(), change);
    }

    private static void write(
            Path folder,
            MixtralConfig config,
            ModelWeights weights,
            Optional<ExpertBlock> block,
            UnaryOperator<NamedTensor> change) {
        GatunWriter writer = GatunWriter.open(folder, config.layers(), block, "a test");
        writer.writeTrunk(TrunkTensors.of(config, weights));
        for (int layer = 0; layer < config.layers(); layer++) {
            List<NamedTensor> tensors = new ArrayList<>();
            List<ExpertWeights> experts = weights.layers().get(layer).experts();
            for (int expert = 0; expert < experts.size(); expert++) {
                tensors(NamedWeights.expertPrefix(layer, expert), experts.get(expert), block)
                        .forEach(tensor -> tensors.add(change.apply(tensor)));
            }
            writer.writeLayer(layer, tensors);
        }
        try {
            Path beside = Files.createTempDirectory("gatun-config");
            CheckpointWriter.writeConfig(beside, config);
            writer.finish(beside);
            Files.delete(beside.resolve("config.json"));
            Files.delete(beside);
        } catch (IOException problem) {
            throw new UncheckedIOException(problem);
        }
    }

    private static Optional<ExpertBlock> block(ModelWeights weights) {
        List<Optional<ExpertBlock>> blocks = weights.layers().stream()
                .flatMap(layer -> layer.experts().stream())
                .map(ExpertWeights::block)
                .distinct()
                .toList();
        return blocks.size() == 1 ? blocks.getFirst() : Optional.empty();
    }

    private static List<NamedTensor> tensors(String prefix, ExpertWeights expert, Optional<ExpertBlock> block) {
        if (block.isPresent()) {
            MemorySegment bytes = Arena.ofAuto().allocate(block.get().bytes(), 16);
            expert.write(block.get(), new JavaTiler(), bytes);
            return List.of(NamedTensor.tiles(prefix, bytes));
        }
        return Stream.of(
                        NamedTensor.of(prefix + "w1", expert.gate()),
                        NamedTensor.of(prefix + "w3", expert.up()),
                        NamedTensor.of(prefix + "w2", expert.down()))
                .flatMap(List::stream)
                .toList();
    }
}
