package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.engine.ForwardPass;
import dev.gatun.engine.KvCache;
import dev.gatun.offload.ModelSizes;

/** What the kernels need of a model, checked before anything is taken from the device. */
final class ModelRequirements {
    private static final int MOST_EXPERTS = 128;
    private static final int MOST_EXPERTS_PER_TOKEN = 8;
    private static final int LARGEST_HEAD = 256;
    private static final int HEAD_STEP = 8;

    private ModelRequirements() {}

    /** @throws UnsupportedModelException if something is not met */
    static void check(CudaDevice device, MixtralConfig config, ModelWeights weights) {
        require(config.hiddenSize() % 4 == 0, "hidden_size must be a multiple of 4, but is " + config.hiddenSize());
        require(
                config.headSize() % HEAD_STEP == 0 && config.headSize() <= LARGEST_HEAD,
                "head_dim must be a multiple of 8 up to 256, but is " + config.headSize());
        require(
                config.experts() <= MOST_EXPERTS,
                "num_local_experts must be at most " + MOST_EXPERTS + ", but is " + config.experts());
        require(
                config.expertsPerToken() <= MOST_EXPERTS_PER_TOKEN,
                "num_experts_per_tok must be at most " + MOST_EXPERTS_PER_TOKEN + ", but is "
                        + config.expertsPerToken());
        requireMemory(device, config, weights);
    }

    private static void require(boolean met, String complaint) {
        if (!met) {
            throw new UnsupportedModelException("the CUDA kernels cannot run this model: " + complaint);
        }
    }

    /** Better refused now than in the middle of loading. */
    private static void requireMemory(CudaDevice device, MixtralConfig config, ModelWeights weights) {
        // A session of usual length is to fit as well.
        long needed = ModelSizes.stored(config, weights, ForwardPass.CHUNK)
                .resident(Math.min(config.maxPositions(), KvCache.USUAL_CAPACITY));
        long free = device.freeMemory();
        if (needed > free) {
            throw new UnsupportedModelException("the model needs %.1f GiB of GPU memory, %.1f are free on %s"
                    .formatted(
                            gibibytes(needed),
                            gibibytes(free),
                            device.properties().name()));
        }
    }

    private static double gibibytes(long bytes) {
        return bytes / (double) (1 << 30);
    }
}
