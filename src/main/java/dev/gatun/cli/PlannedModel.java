package dev.gatun.cli;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.offload.ModelSizes;
import dev.gatun.offload.PlanException;
import dev.gatun.offload.QuantizedShapes;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.ExpertCut;
import dev.gatun.quant.TileFormat;
import java.util.Optional;

/**
 * A model to plan for, here or not.
 *
 * @param parts into how many an expert can be cut where two roads share one
 */
record PlannedModel(String name, MixtralConfig config, ModelSizes sizes, int parts) {
    /** A model with 4-bit attention and experts in a format; throws {@link PlanException} if that does not divide it. */
    static PlannedModel quantized(String name, MixtralConfig config, TileFormat experts) {
        ExpertBlock block = QuantizedShapes.of(config, experts).expert();
        ModelSizes sizes = ModelSizes.quantized(config, experts, ModelSizes.GPU_CHUNK);
        return new PlannedModel(name, config, sizes, parts(Optional.of(block)));
    }

    /** A model as its checkpoint has it. */
    static PlannedModel stored(String name, Checkpoint checkpoint) {
        ModelSizes sizes = ModelSizes.stored(checkpoint.config(), checkpoint.weights(), ModelSizes.GPU_CHUNK);
        Optional<ExpertBlock> block =
                checkpoint.weights().layers().getFirst().experts().getFirst().block();
        return new PlannedModel(name, checkpoint.config(), sizes, parts(block));
    }

    /** What kernels have no tiles for is not cut. */
    private static int parts(Optional<ExpertBlock> block) {
        return block.map(ExpertCut::of).map(ExpertCut::parts).orElse(1);
    }
}
