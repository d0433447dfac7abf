package dev.gatun.checkpoint;

import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.MatrixTiler;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.TileShape;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * One expert: y = down &middot; (silu(gate &middot; x) * (up &middot; x)).
 *
 * @param gate {@code w1}, [intermediate, hidden]
 * @param up {@code w3}, [intermediate, hidden]
 * @param down {@code w2}, [hidden, intermediate]
 * @param stored the block of tiles in a file that the matrices are views of; empty where they lie apart
 */
public record ExpertWeights(WeightMatrix gate, WeightMatrix up, WeightMatrix down, Optional<StoredBlock> stored) {
    /** An expert whose three matrices lie wherever they do. */
    public ExpertWeights(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {
        this(gate, up, down, Optional.empty());
    }

    /** An expert that is a block of tiles in a file; its matrices are views of the mapped block. */
    static ExpertWeights stored(ExpertBlock block, StoredBlock stored) {
        MemorySegment bytes = stored.bytes();
        return new ExpertWeights(
                tiles(block.gate(), bytes, block.gateOffset()),
                tiles(block.up(), bytes, block.upOffset()),
                tiles(block.down(), bytes, block.downOffset()),
                Optional.of(stored));
    }

    private static TiledMatrix tiles(TileShape shape, MemorySegment block, long offset) {
        return new TiledMatrix(shape, block.asSlice(offset, shape.bytes()));
    }

    /** How many weights it has. */
    public long weights() {
        return 3L * gate.rows() * gate.columns();
    }

    /** The block of tiles that it lies in or kernels could read it in, or empty if there is none. */
    public Optional<ExpertBlock> block() {
        if (gate instanceof TiledMatrix w1 && up instanceof TiledMatrix w3 && down instanceof TiledMatrix w2) {
            return Optional.of(new ExpertBlock(w1.shape(), w3.shape(), w2.shape()));
        }
        return gate instanceof QuantizedMatrix w1
                        && up instanceof QuantizedMatrix w3
                        && down instanceof QuantizedMatrix w2
                ? ExpertBlock.of(w1, w3, w2)
                : Optional.empty();
    }

    /**
     * Writes its block of tiles, read from the file if it lies there. Several threads may write different experts at once.
     *
     * @param shape what {@link #block} returned
     * @param tiler what makes tiles of matrices
     * @param target exactly {@code shape.bytes()} bytes outside the heap, at a multiple of 16
     * @throws CheckpointException if it is read from the file, and that fails
     */
    public void write(ExpertBlock shape, MatrixTiler tiler, MemorySegment target) {
        if (stored.isPresent()) {
            stored.get().readInto(target);
        } else {
            shape.tile(tiler, (QuantizedMatrix) gate, (QuantizedMatrix) up, (QuantizedMatrix) down, target);
        }
    }
}
