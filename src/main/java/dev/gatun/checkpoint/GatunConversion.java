package dev.gatun.checkpoint;

import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.MatrixTiler;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * Writes a model that is open in Gatun's own format, without changing a weight: experts that kernels can read are tiled, codes
 * of 3 bits packed as that format packs them, all other tensors copied.
 */
public final class GatunConversion {
    private final Checkpoint source;
    private final MatrixTiler tiler;

    /**
     * Makes a conversion.
     *
     * @param source outlives it
     * @param tiler what writes the tiles
     */
    public GatunConversion(Checkpoint source, MatrixTiler tiler) {
        this.source = source;
        this.tiler = tiler;
    }

    /** Hears how far the conversion is; what it throws ends it. */
    @FunctionalInterface
    public interface Listener {
        /** So many shards of all are written. */
        void written(int shards, int all);
    }

    /**
     * Writes the model, or what a run before has not written of it; takes the memory of a layer's experts.
     *
     * @throws CheckpointException if the folder holds a model already, or cannot be written
     */
    public void run(Path folder, Listener listener) {
        Optional<ExpertBlock> block = block();
        int layers = source.config().layers();
        GatunWriter writer = GatunWriter.open(folder, layers, block, source.description());
        AtomicInteger done = new AtomicInteger();
        Runnable told = () -> listener.written(done.getAndIncrement(), layers + 1);
        told.run();
        if (!writer.hasTrunk()) {
            writeTrunk(writer);
        }
        told.run();
        for (int layer = 0; layer < layers; layer++) {
            if (!writer.hasLayer(layer)) {
                write(writer, layer, block);
            }
            told.run();
        }
        writer.finish(source.configDirectory());
    }

    /** The one block of all experts. */
    private Optional<ExpertBlock> block() {
        List<Optional<ExpertBlock>> blocks = source.weights().layers().stream()
                .flatMap(layer -> layer.experts().stream())
                .map(ExpertWeights::block)
                .distinct()
                .toList();
        return blocks.size() == 1 ? blocks.getFirst() : Optional.empty();
    }

    private void writeTrunk(GatunWriter writer) {
        Predicate<String> names = name -> ModelPart.of(name) != ModelPart.EXPERTS;
        try (Arena arena = Arena.ofShared()) {
            writer.writeTrunk(haveThreeBits(names) ? new ThreeBitTensors(source, arena).trunk() : copied(names));
        }
    }

    private boolean haveThreeBits(Predicate<String> names) {
        return source.tensors().entrySet().stream()
                .anyMatch(named -> names.test(named.getKey()) && ThreeBitTensors.has(named.getKey(), named.getValue()));
    }

    private void write(GatunWriter writer, int layer, Optional<ExpertBlock> block) {
        String prefix = "model.layers." + layer + ".";
        Predicate<String> names = name -> name.startsWith(prefix) && ModelPart.of(name) == ModelPart.EXPERTS;
        try (Arena arena = Arena.ofShared()) {
            if (haveThreeBits(names)) {
                writer.writeLayer(layer, new ThreeBitTensors(source, arena).experts(layer));
                return;
            }
            if (block.isEmpty()) {
                writer.writeLayer(layer, copied(names));
                return;
            }
            LayerTensors experts =
                    new LayerTensors(layer, source.weights().layers().get(layer).experts());
            writer.writeLayer(layer, experts.tiles(block.get(), tiler, arena));
        }
    }

    private List<NamedTensor> copied(Predicate<String> names) {
        return source.tensors().entrySet().stream()
                .filter(named -> names.test(named.getKey()))
                .map((Map.Entry<String, Tensor> named) -> NamedTensor.of(named.getKey(), named.getValue()))
                .toList();
    }
}
