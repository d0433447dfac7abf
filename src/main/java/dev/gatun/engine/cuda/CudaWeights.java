package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import java.util.List;

/**
 * A model's weights in device memory, but for embeddings that lie in the host.
 *
 * @param finalNorm float32 [hidden]
 */
record CudaWeights(EmbeddingTable embeddings, List<Layer> layers, DeviceMemory finalNorm, DeviceMatrix head) {
    CudaWeights {
        layers = List.copyOf(layers);
    }

    /**
     * One decoder layer.
     *
     * @param attentionNorm float32 [hidden]
     * @param projections query, key and value
     * @param expertNorm likewise
     */
    record Layer(
            DeviceMemory attentionNorm,
            Projections projections,
            DeviceMatrix output,
            DeviceMemory expertNorm,
            DeviceMatrix.Dense router,
            LayerExperts experts) {}
}
