package dev.gatun.checkpoint;

import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TiledMatrix;
import java.util.stream.Stream;

/** Makes experts of tensors that are a whole expert in tiles, after checking type, size, place and second level. */
final class BlockReader {
    /** What the tensor is called behind the expert's prefix. */
    static final String NAME = "tiles";

    private final TensorTable table;
    private final MixtralConfig config;

    BlockReader(TensorTable table, MixtralConfig config) {
        this.table = table;
        this.config = config;
    }

    /** The expert whose tensor this is. */
    ExpertWeights expert(String name) {
        StoredTensor stored = table.take(name);
        ExpertBlock block = block(stored);
        Tensor tensor = stored.tensor();
        if (tensor.type() != TensorType.U8 || tensor.count() != block.bytes()) {
            throw new CheckpointException(stored.where() + " has " + tensor.count() + " elements of " + tensor.type()
                    + ", but an expert of this model in tiles takes " + block.bytes()
                    + " bytes; get config.json and weights of one model");
        }
        if (tensor.data().address() % ExpertBlock.ALIGNMENT != 0) {
            throw new CheckpointException(stored.where() + " does not begin at a multiple of " + ExpertBlock.ALIGNMENT
                    + " bytes, where kernels could read it; make the model again with Gatun");
        }
        ExpertWeights expert =
                ExpertWeights.stored(block, new StoredBlock(stored.file(), stored.offset(), tensor.data()));
        requireLimits(stored, expert);
        return expert;
    }

    private ExpertBlock block(StoredTensor stored) {
        TileScheme scheme = table.gatun()
                .flatMap(GatunHeader::tiles)
                .orElseThrow(
                        () -> new CheckpointException(
                                stored.where()
                                        + " holds tiles, but the file's metadata does not say of what format; download the file again"));
        try {
            return scheme.block(config);
        } catch (IllegalArgumentException misfit) {
            throw new CheckpointException(
                    stored.where() + ": " + misfit.getMessage() + "; get config.json and weights of one model", misfit);
        }
    }

    private static void requireLimits(StoredTensor stored, ExpertWeights expert) {
        boolean within = Stream.of(expert.gate(), expert.up(), expert.down())
                .allMatch(matrix -> matrix instanceof TiledMatrix tiled && tiled.isWithinLimits());
        if (!within) {
            throw new CheckpointException(
                    stored.where() + " has a scale or a zero that is NaN or too large; download the file again");
        }
    }
}
