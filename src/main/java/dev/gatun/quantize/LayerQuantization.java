package dev.gatun.quantize;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.GatunWriter;
import dev.gatun.checkpoint.LayerTensors;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.MatrixTiler;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.FiniteWeights;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/**
 * Quantizes the experts of layers and has them written, while the next layer is quantized. A layer in which an expert has
 * scales that kernels cannot hold is written as matrices.
 *
 * @param block what experts are tiled in; empty if they are not
 */
record LayerQuantization(
        Checkpoint source,
        QuantizationPlan plan,
        Optional<ExpertBlock> block,
        MatrixTiler tiler,
        Workers workers,
        GatunWriter writer,
        LayerWriting writing,
        Progress progress) {
    /** Does a layer that the quantizer has entered, or passes it if it is written. */
    void run(int layer, ModelQuantizer quantizer) {
        List<ExpertWeights> originals = source.weights().layers().get(layer).experts();
        if (writer.hasLayer(layer)) {
            pass(layer, quantizer);
            originals.forEach(expert -> progress.done(weights(expert)));
        } else {
            quantize(layer, originals, quantizer);
        }
    }

    private void pass(int layer, ModelQuantizer quantizer) {
        if (quantizer.isSequential()) {
            try (Arena arena = Arena.ofShared()) {
                List<ExpertWeights> written = writer.experts(source.config(), layer, arena);
                for (int expert = 0; expert < written.size(); expert++) {
                    quantizer.pass(expert, written.get(expert));
                    progress.tell();
                }
            }
        }
    }

    @SuppressWarnings("MustBeClosedChecker") // closed below on failure, otherwise when the layer is written
    private void quantize(int layer, List<ExpertWeights> originals, ModelQuantizer quantizer) {
        Arena arena = Arena.ofShared();
        try {
            List<ExpertWeights> experts = plan.experts()
                    .scheme()
                    .map(scheme -> Target.of(scheme, arena, workers))
                    .map(target -> quantizer.quantize(layer, originals, target, progress::done))
                    .orElseGet(() -> unchanged(layer, originals, quantizer));
            LayerTensors tensors = new LayerTensors(layer, experts);
            writing.begin(() -> {
                try (arena) {
                    write(tensors);
                }
            });
        } catch (RuntimeException | Error failure) {
            arena.close();
            throw failure;
        }
    }

    private List<ExpertWeights> unchanged(int layer, List<ExpertWeights> originals, ModelQuantizer quantizer) {
        for (int expert = 0; expert < originals.size(); expert++) {
            ExpertWeights original = originals.get(expert);
            String prefix = LayerTensors.prefix(layer, expert);
            requireFinite(prefix + "w1.weight", original.gate());
            requireFinite(prefix + "w3.weight", original.up());
            requireFinite(prefix + "w2.weight", original.down());
            quantizer.pass(expert, original);
        }
        return originals;
    }

    private void requireFinite(String name, WeightMatrix weights) {
        FiniteWeights.require(name, (DenseMatrix) weights);
        progress.tell();
    }

    private long weights(ExpertWeights expert) {
        return plan.experts().scheme().isEmpty() ? 0 : expert.weights();
    }

    private void write(LayerTensors tensors) {
        if (block.filter(tensors::fit).isEmpty()) {
            writer.writeLayer(tensors.layer(), tensors.matrices());
            return;
        }
        try (Arena arena = Arena.ofShared()) {
            writer.writeLayer(tensors.layer(), tensors.tiles(block.get(), tiler, arena));
        }
    }
}
