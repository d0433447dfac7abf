package dev.gatun.checkpoint;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.WeightMatrix;
import java.util.List;

/**
 * All weights of a model; views of its mapped files, valid until the {@link Checkpoint} is closed.
 *
 * @param embeddings [vocabulary, hidden]
 * @param layers in order
 * @param finalNorm [1, hidden]
 * @param head [vocabulary, hidden]; the same object as {@code embeddings} when they are tied
 */
public record ModelWeights(
        DenseMatrix embeddings, List<LayerWeights> layers, DenseMatrix finalNorm, WeightMatrix head) {
    public ModelWeights {
        layers = List.copyOf(layers);
    }
}
