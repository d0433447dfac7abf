package dev.gatun.checkpoint;

import dev.gatun.quant.ColumnOrder;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;

/**
 * What a reader must know of experts in tiles besides the model's shape.
 *
 * @param format of all three matrices
 * @param widePairs second-level pairs of w1, and as many of w3; 0 for {@link TileFormat#Q2N}
 * @param downPairs second-level pairs of w2, a multiple of its columns; 0 for {@link TileFormat#Q2N}
 */
public record TileScheme(TileFormat format, int widePairs, int downPairs) {
    public TileScheme {
        if (format == TileFormat.Q4) {
            throw new IllegalArgumentException("experts of 4-bit tiles: nothing computes them");
        }
        if (widePairs < 0 || downPairs < 0) {
            throw new IllegalArgumentException("second-level pairs: " + widePairs + " and " + downPairs);
        }
    }

    /** The scheme of an expert's block. */
    public static TileScheme of(ExpertBlock block) {
        return new TileScheme(
                block.gate().format(), block.gate().pairs(), block.down().pairs());
    }

    /**
     * The block of a model's experts.
     *
     * @throws IllegalArgumentException if such tiles do not divide the model's matrices
     */
    ExpertBlock block(MixtralConfig config) {
        int hidden = config.hiddenSize();
        int ffn = config.intermediateSize();
        TileShape wide = new TileShape(format, ffn, hidden, widePairs);
        return new ExpertBlock(
                wide, wide, new TileShape(format, hidden, ffn, downPairs, ColumnOrder.ofDown(format, ffn)));
    }
}
