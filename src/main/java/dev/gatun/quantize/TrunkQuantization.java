package dev.gatun.quantize;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.ModelPart;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.checkpoint.NamedTensor;
import dev.gatun.checkpoint.TrunkTensors;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.FiniteWeights;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Everything but the experts, quantized layer by layer and kept until all of it is written. Closing it frees that. */
final class TrunkQuantization implements AutoCloseable {
    private final Checkpoint source;
    private final QuantizationPlan plan;
    private final Solver solver;
    private final Workers workers;
    private final Progress progress;
    private final Arena arena = Arena.ofShared();
    private final List<LayerWeights> layers;

    /**
     * Begins.
     *
     * @param solver for what makes logits
     * @param progress told after each matrix, which counts nothing there
     * @param isWritten by a run before: its weights need not be looked at
     * @throws dev.gatun.quant.solver.QuantizationException if one of them is a NaN or an infinity, or too large to be quantized
     */
    TrunkQuantization(
            Checkpoint source,
            QuantizationPlan plan,
            Solver solver,
            Workers workers,
            Progress progress,
            boolean isWritten) {
        this.source = source;
        this.plan = plan;
        this.solver = solver;
        this.workers = workers;
        this.progress = progress;
        this.layers = new ArrayList<>(source.weights().layers());
        if (!isWritten) {
            requireWeights();
        }
    }

    /** Before a calibration text goes through any of them, and before hours of work. */
    private void requireWeights() {
        ModelWeights weights = source.weights();
        FiniteWeights.require("model.embed_tokens.weight", weights.embeddings());
        FiniteWeights.require("model.norm.weight", weights.finalNorm());
        for (int layer = 0; layer < layers.size(); layer++) {
            String name = "model.layers." + layer + ".";
            FiniteWeights.require(
                    name + "input_layernorm.weight", layers.get(layer).attentionNorm());
            FiniteWeights.require(
                    name + "post_attention_layernorm.weight", layers.get(layer).expertNorm());
            FiniteWeights.require(
                    name + "block_sparse_moe.gate.weight", layers.get(layer).router());
        }
        PlannedMatrix.of(source, plan).stream()
                .filter(planned -> ModelPart.of(planned.name()) != ModelPart.EXPERTS)
                .forEach(planned -> {
                    planned.requireWeights();
                    progress.tell();
                });
    }

    /** Quantizes the attention of a layer, and has the quantizer go there. */
    void enter(int layer, ModelQuantizer quantizer) {
        Optional<Target> target = plan.attention().scheme().map(scheme -> Target.of(scheme, arena, workers));
        layers.set(layer, quantizer.enter(layer, source.weights().layers().get(layer), target, progress::tell));
    }

    /** How many weights of a layer's attention are to be quantized. */
    long weights(int layer) {
        return PlannedMatrix.ofAttention(layer, source.weights().layers().get(layer), plan).stream()
                .mapToLong(PlannedMatrix::weights)
                .sum();
    }

    /** The tensors of it all; what makes logits is quantized now, by itself. Valid until this is closed. */
    List<NamedTensor> tensors() {
        ModelWeights weights = source.weights();
        progress.tell();
        WeightMatrix head = head();
        progress.tell();
        return TrunkTensors.of(
                source.config(), new ModelWeights(weights.embeddings(), layers, weights.finalNorm(), head));
    }

    private WeightMatrix head() {
        WeightMatrix head = source.weights().head();
        return plan.head()
                .scheme()
                .<WeightMatrix>map(scheme ->
                        solver.quantize("lm_head.weight", (DenseMatrix) head, Target.of(scheme, arena, workers)))
                .orElse(head);
    }

    @Override
    public void close() {
        arena.close();
    }
}
