package dev.gatun.offload;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.MatrixTiler;
import dev.gatun.quant.TileFormat;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * The experts of an open checkpoint, read if they lie there in tiles, and otherwise tiled, as they are asked for. The mapped files are read once; their pages stay in the
 * system's cache, which gives them up when other memory is short.
 */
public final class CheckpointExperts implements ExpertSource {
    private final List<LayerWeights> layers;
    private final ExpertBlock block;
    private final MatrixTiler tiler;

    private CheckpointExperts(List<LayerWeights> layers, ExpertBlock block, MatrixTiler tiler) {
        this.layers = layers;
        this.block = block;
        this.tiler = tiler;
    }

    /**
     * The experts of a model, as long as its checkpoint is open; empty if the kernels cannot read all of them as 2-bit
     * tiles of one shape.
     *
     * @param tiler what writes the tiles
     */
    public static Optional<CheckpointExperts> of(ModelWeights weights, MatrixTiler tiler) {
        // Whether tiles can hold a matrix is told by all of its second level: a millisecond each.
        List<Optional<ExpertBlock>> shapes = weights.layers().parallelStream()
                .flatMap(layer -> layer.experts().stream())
                .map(ExpertWeights::block)
                .distinct()
                .toList();
        return shapes.size() == 1
                ? shapes.getFirst()
                        .filter(block -> block.gate().format() != TileFormat.Q4)
                        .map(block -> new CheckpointExperts(weights.layers(), block, tiler))
                : Optional.empty();
    }

    @Override
    public ExpertBlock block() {
        return block;
    }

    @Override
    public void write(int layer, int expert, MemorySegment target) {
        layers.get(layer).experts().get(expert).write(block, tiler, target);
    }
}
