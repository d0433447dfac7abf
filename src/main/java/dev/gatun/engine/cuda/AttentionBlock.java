package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import java.util.List;

/** Attention with all that belongs to it: norm, projections, rotary embedding, cache, output onto the residual stream. */
final class AttentionBlock {
    private final MatrixProducts products;
    private final RopeOperation rope;
    private final AttentionOperation attention;
    private final float epsilon;

    AttentionBlock(MatrixProducts products, RopeOperation rope, AttentionOperation attention, float epsilon) {
        this.products = products;
        this.rope = rope;
        this.attention = attention;
        this.epsilon = epsilon;
    }

    /** As {@link AttentionOperation#pieces}. */
    int pieces(int position) {
        return attention.pieces(position);
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
        products.multiplyNormed(layer.projections(), hidden, layer.attentionNorm(), epsilon, List.of(q, k, v));
        rope.append(q, k, v, cache, error);
        DeviceFloats attended = workspace.attended().rows(0, count);
        attention.attend(q, cache, attended);
        products.multiply(layer.output(), attended, hidden, true);
    }
}
