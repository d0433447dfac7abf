package dev.gatun.quantize;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import java.util.Optional;

/** Quantizes every matrix by itself. */
record PlainQuantizer(Solver solver) implements ModelQuantizer {
    @Override
    public boolean isSequential() {
        return false;
    }

    @Override
    public LayerWeights enter(int layer, LayerWeights original, Optional<Target> attention) {
        return attention
                .map(target -> withAttention(PlannedMatrix.attention(layer), original, target))
                .orElse(original);
    }

    private LayerWeights withAttention(String name, LayerWeights layer, Target target) {
        return new LayerWeights(
                layer.attentionNorm(),
                matrix(name + "q_proj", layer.query(), target),
                matrix(name + "k_proj", layer.key(), target),
                matrix(name + "v_proj", layer.value(), target),
                matrix(name + "o_proj", layer.output(), target),
                layer.expertNorm(),
                layer.router(),
                layer.experts());
    }

    @Override
    public ExpertWeights quantize(int expert, String prefix, ExpertWeights original, Target target) {
        return new ExpertWeights(
                matrix(prefix + "w1", original.gate(), target),
                matrix(prefix + "w3", original.up(), target),
                matrix(prefix + "w2", original.down(), target));
    }

    QuantizedMatrix matrix(String name, WeightMatrix matrix, Target target) {
        return solver.quantize(name + ".weight", (DenseMatrix) matrix, target);
    }

    @Override
    public void pass(int expert, ExpertWeights quantized) {
        // No matrix depends on another.
    }

    @Override
    public void close() {
        // It holds nothing.
    }
}
