package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.engine.cpu.NativeTiler;
import dev.gatun.offload.CheckpointExperts;
import dev.gatun.offload.ExpertSource;
import dev.gatun.offload.ModelSizes;
import java.util.Optional;

/**
 * A model to run: its shape and where its weights are.
 *
 * @param weights the trunk, and the experts unless {@code experts} has them
 * @param experts all experts as blocks of tiles; empty if they have no such form, and are therefore resident
 * @param sizes what it takes on a device
 */
public record CudaModel(
        MixtralConfig config, ModelWeights weights, Optional<? extends ExpertSource> experts, ModelSizes sizes) {
    /** A model as its checkpoint has it, which outlives it. */
    public static CudaModel of(MixtralConfig config, ModelWeights weights) {
        return new CudaModel(
                config,
                weights,
                CheckpointExperts.of(weights, NativeTiler.orJava()),
                ModelSizes.stored(config, weights, ModelSizes.GPU_CHUNK));
    }
}
