package dev.gatun.quantize;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerTensors;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.FiniteWeights;
import dev.gatun.quant.solver.QuantizationException;
import java.util.ArrayList;
import java.util.List;

/**
 * A matrix and what it is to become.
 *
 * @param name without {@code .weight}
 * @param matrix as it is
 * @param format as it will be
 */
record PlannedMatrix(String name, WeightMatrix matrix, PartFormat format) {
    /** Attention, experts and head of a model; a head that is the embeddings is left out. */
    static List<PlannedMatrix> of(Checkpoint model, QuantizationPlan plan) {
        List<PlannedMatrix> all = new ArrayList<>();
        for (int layer = 0; layer < model.config().layers(); layer++) {
            LayerWeights weights = model.weights().layers().get(layer);
            all.addAll(ofAttention(layer, weights, plan));
            for (int expert = 0; expert < weights.experts().size(); expert++) {
                ExpertWeights matrices = weights.experts().get(expert);
                String prefix = LayerTensors.prefix(layer, expert);
                all.add(new PlannedMatrix(prefix + "w1", matrices.gate(), plan.experts()));
                all.add(new PlannedMatrix(prefix + "w3", matrices.up(), plan.experts()));
                all.add(new PlannedMatrix(prefix + "w2", matrices.down(), plan.experts()));
            }
        }
        if (!model.config().tiedEmbeddings()) {
            all.add(new PlannedMatrix("lm_head", model.weights().head(), plan.head()));
        }
        return all;
    }

    /** The attention of a layer. */
    static List<PlannedMatrix> ofAttention(int layer, LayerWeights weights, QuantizationPlan plan) {
        String name = attention(layer);
        return List.of(
                new PlannedMatrix(name + "q_proj", weights.query(), plan.attention()),
                new PlannedMatrix(name + "k_proj", weights.key(), plan.attention()),
                new PlannedMatrix(name + "v_proj", weights.value(), plan.attention()),
                new PlannedMatrix(name + "o_proj", weights.output(), plan.attention()));
    }

    /** What the names of a layer's attention begin with. */
    static String attention(int layer) {
        return "model.layers." + layer + ".self_attn.";
    }

    /**
     * Checks that it can become that.
     *
     * @throws QuantizationException if it is quantized already, or does not divide
     */
    void require() {
        if (!(matrix instanceof DenseMatrix)) {
            throw new QuantizationException("`" + name
                    + "` is quantized already; give the folder of the unquantized model (gatun convert writes one as it is"
                    + " in Gatun's own format)");
        }
        format.requireDivides(name, matrix);
    }

    /**
     * Looks at every weight.
     *
     * @throws QuantizationException if one is a NaN or an infinity, or too large to be quantized
     */
    void requireWeights() {
        DenseMatrix weights = (DenseMatrix) matrix;
        if (format.scheme().isPresent()) {
            FiniteWeights.requireQuantizable(name + ".weight", weights);
        } else {
            FiniteWeights.require(name + ".weight", weights);
        }
    }

    /** How many weights are to be quantized. */
    long weights() {
        return format.scheme().isPresent() ? (long) matrix.rows() * matrix.columns() : 0;
    }
}
