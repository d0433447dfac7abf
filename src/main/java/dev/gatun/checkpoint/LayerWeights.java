package dev.gatun.checkpoint;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.WeightMatrix;
import java.util.List;

/**
 * One decoder layer.
 *
 * @param attentionNorm RMSNorm before attention, [1, hidden]
 * @param query [heads * headSize, hidden]
 * @param key [kvHeads * headSize, hidden]
 * @param value [kvHeads * headSize, hidden]
 * @param output [hidden, heads * headSize]
 * @param expertNorm RMSNorm before the experts, [1, hidden]
 * @param router [experts, hidden]
 * @param experts in expert order; none where they come from elsewhere, as those of a model that is made up
 */
public record LayerWeights(
        DenseMatrix attentionNorm,
        WeightMatrix query,
        WeightMatrix key,
        WeightMatrix value,
        WeightMatrix output,
        DenseMatrix expertNorm,
        DenseMatrix router,
        List<ExpertWeights> experts) {
    public LayerWeights {
        experts = List.copyOf(experts);
    }
}
