package dev.gatun.cli;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.engine.cpu.TiledShapes;
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
 * @param kept the most bytes of host memory that are kept of each expert that the CPU has computed, beside its block, whatever
 *     instructions it has
 */
record PlannedModel(String name, MixtralConfig config, ModelSizes sizes, int parts, long kept) {
    /** A model with 4-bit attention and experts in a format; throws {@link PlanException} if that does not divide it. */
    static PlannedModel quantized(String name, MixtralConfig config, TileFormat experts) {
        Optional<ExpertBlock> block =
                Optional.of(QuantizedShapes.of(config, experts).expert());
        ModelSizes sizes = ModelSizes.quantized(config, experts, ModelSizes.GPU_CHUNK);
        return new PlannedModel(name, config, sizes, parts(block), kept(block));
    }

    /** A model as its checkpoint has it. */
    static PlannedModel stored(String name, Checkpoint checkpoint) {
        ModelSizes sizes = ModelSizes.stored(checkpoint.config(), checkpoint.weights(), ModelSizes.GPU_CHUNK);
        Optional<ExpertBlock> block =
                checkpoint.weights().layers().getFirst().experts().getFirst().block();
        return new PlannedModel(name, checkpoint.config(), sizes, parts(block), kept(block));
    }

    /** What kernels have no tiles for is not cut. */
    private static int parts(Optional<ExpertBlock> block) {
        return block.map(ExpertCut::of).map(ExpertCut::parts).orElse(1);
    }

    private static long kept(Optional<ExpertBlock> block) {
        return block.filter(some -> some.gate().format() != TileFormat.Q4)
                .map(some -> TiledShapes.of(some).mostPairsBytes())
                .orElse(0L);
    }
}
