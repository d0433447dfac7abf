package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.ExpertBlock;

/** Experts in blocks of 2-bit tiles: one launch for few tokens, tensor cores for many. */
final class TiledExperts {
    private final DecodeExperts few;
    private final BatchExperts many;

    TiledExperts(
            CudaResources resources,
            ChoiceGrouping grouping,
            ExpertBlock block,
            MixtralConfig config,
            CudaWorkspace workspace,
            int maxTokens) {
        few = new DecodeExperts(
                resources.kernels(),
                resources.stream(),
                resources.arena(),
                workspace.experts().branch(),
                block,
                config.experts(),
                config.expertsPerToken());
        many = new BatchExperts(resources, grouping, block, config, workspace, maxTokens);
    }

    /** For at most {@link TokenVariants#MOST} tokens. */
    DecodeExperts few() {
        return few;
    }

    /** For more tokens. */
    BatchExperts many() {
        return many;
    }

    /** Makes the next launch possible after one that failed. */
    void recover() {
        few.recover();
    }

    /** hidden += the weighted sum of the chosen experts. */
    void run(LayerExperts.Tiled layer, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        if (hidden.rows() <= TokenVariants.MOST) {
            // One by one, as where not all experts of several tokens are there at once: sums are added in another order
            // then.
            for (int token = 0; token < hidden.rows(); token++) {
                few.runToken(layer.table(), token, routing, hidden, error);
            }
        } else {
            many.run(layer.table(), routing, hidden, error);
        }
    }
}
