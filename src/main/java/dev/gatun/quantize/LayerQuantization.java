package dev.gatun.quantize;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.GatunWriter;
import dev.gatun.checkpoint.LayerTensors;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.MatrixTiler;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Quantizes and writes the experts of layers, one layer in memory at a time. A layer in which an expert has scales that
 * kernels cannot hold is written as matrices.
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
        Progress progress) {
    /** Does a layer that the quantizer has entered, or passes it if it is written. */
    void run(int layer, ModelQuantizer quantizer) {
        List<ExpertWeights> originals = source.weights().layers().get(layer).experts();
        try (Arena arena = Arena.ofShared()) {
            if (writer.hasLayer(layer)) {
                pass(layer, quantizer, arena);
                originals.forEach(expert -> progress.done(weights(expert)));
            } else {
                write(new LayerTensors(layer, quantized(layer, originals, quantizer, arena)));
            }
        }
    }

    private void pass(int layer, ModelQuantizer quantizer, Arena arena) {
        if (quantizer.isSequential()) {
            List<ExpertWeights> written = writer.experts(source.config(), layer, arena);
            for (int expert = 0; expert < written.size(); expert++) {
                quantizer.pass(expert, written.get(expert));
            }
        }
    }

    private List<ExpertWeights> quantized(
            int layer, List<ExpertWeights> originals, ModelQuantizer quantizer, Arena arena) {
        Target target = Target.of(plan.experts().scheme().orElseThrow(), arena, workers);
        List<ExpertWeights> experts = new ArrayList<>();
        for (int expert = 0; expert < originals.size(); expert++) {
            ExpertWeights original = originals.get(expert);
            experts.add(quantizer.quantize(expert, LayerTensors.prefix(layer, expert), original, target));
            progress.done(weights(original));
        }
        return experts;
    }

    private static long weights(ExpertWeights expert) {
        return 3L * expert.gate().rows() * expert.gate().columns();
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
