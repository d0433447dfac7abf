package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.ExpertBlock;

/** Experts in blocks of 2-bit tiles: one launch for few tokens, tensor cores for many. */
final class TiledExperts {
    private final DecodeExperts few;
    private final BatchExperts many;

    TiledExperts(
            CudaResources resources, ChoiceGrouping grouping, ExpertBlock block, MixtralConfig config, int maxTokens) {
        few = new DecodeExperts(
                resources.kernels(),
                resources.stream(),
                resources.arena(),
                block,
                config.experts(),
                config.expertsPerToken());
        many = new BatchExperts(resources, grouping, block, config, maxTokens);
    }

    /** Makes the next launch possible after one that failed. */
    void recover() {
        few.recover();
    }

    /** hidden += the weighted sum of the chosen experts. */
    void run(LayerExperts.Tiled layer, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        if (hidden.rows() <= TokenVariants.MOST) {
            few.run(layer.table(), routing, hidden, error);
        } else {
            many.run(layer.table(), routing, hidden, error);
        }
    }
}
