package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import java.util.List;

/** Attention with all that belongs to it: norm, projections, rotary embedding, cache, output onto the residual stream. */
final class AttentionBlock {
    private final TokenOperations tokens;
    private final MatrixProducts products;
    private final RopeOperation rope;
    private final AttentionOperation attention;
    private final float epsilon;

    AttentionBlock(
            TokenOperations tokens,
            MatrixProducts products,
            RopeOperation rope,
            AttentionOperation attention,
            float epsilon) {
        this.tokens = tokens;
        this.products = products;
        this.rope = rope;
        this.attention = attention;
        this.epsilon = epsilon;
    }

    /** hidden += output &middot; attention(norm(hidden)). */
    void run(
            CudaWeights.Layer layer,
            DeviceFloats hidden,
            LayerCache cache,
            CudaWorkspace workspace,
            DeviceMemory error) {
        int count = hidden.rows();
        DeviceFloats q = workspace.queries().rows(0, count);
        DeviceFloats k = workspace.keys().rows(0, count);
        DeviceFloats v = workspace.values().rows(0, count);
        project(layer, hidden, workspace.normed().rows(0, count), List.of(q, k, v));
        rope.append(q, k, v, cache, error);
        DeviceFloats attended = workspace.attended().rows(0, count);
        attention.attend(q, cache, attended);
        products.multiply(layer.output(), attended, hidden, true);
    }

    private void project(
            CudaWeights.Layer layer, DeviceFloats hidden, DeviceFloats normed, List<DeviceFloats> outputs) {
        List<DeviceMatrix> matrices = List.of(layer.query(), layer.key(), layer.value());
        if (products.multiplyNormed(matrices, hidden, layer.attentionNorm(), epsilon, outputs)) {
            return;
        }
        tokens.norm(hidden, layer.attentionNorm(), epsilon, normed);
        for (int i = 0; i < matrices.size(); i++) {
            products.multiply(matrices.get(i), normed, outputs.get(i), false);
        }
    }
}
