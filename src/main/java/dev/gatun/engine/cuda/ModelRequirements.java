package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;

/** What the kernels need of a model, checked before anything is taken from the device. */
final class ModelRequirements {
    private static final int MOST_EXPERTS = 128;
    private static final int MOST_EXPERTS_PER_TOKEN = 8;
    private static final int LARGEST_HEAD = 256;
    private static final int HEAD_STEP = 8;

    private ModelRequirements() {}

    /** @throws UnsupportedModelException if something is not met */
    static void check(MixtralConfig config) {
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
    }

    private static void require(boolean met, String complaint) {
        if (!met) {
            throw new UnsupportedModelException("the CUDA kernels cannot run this model: " + complaint);
        }
    }
}
