package dev.gatun.offload;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;

/**
 * The matrices of a model with 4-bit attention and 2-bit experts, as the kernels read them.
 *
 * @param expert an expert's block
 * @param query the shape of a layer's query matrix
 * @param key that of key and value
 * @param output that of the output matrix
 */
public record QuantizedShapes(ExpertBlock expert, TileShape query, TileShape key, TileShape output) {
    private static final int Q2_SCALE_GROUP = 128;
    private static final int Q4_SCALE_GROUP = 256;

    /**
     * The shapes for a model, whether such a checkpoint exists or not.
     *
     * @param experts {@link TileFormat#Q2} for 3.0 bits a weight, {@link TileFormat#Q2N} for 2.53
     * @throws PlanException if the formats do not divide the model's matrices
     */
    public static QuantizedShapes of(MixtralConfig config, TileFormat experts) {
        int hidden = config.hiddenSize();
        int ffn = config.intermediateSize();
        int queries = config.heads() * config.headSize();
        int keys = config.kvHeads() * config.headSize();
        try {
            TileShape gate = tiles(experts, ffn, hidden);
            return new QuantizedShapes(
                    new ExpertBlock(gate, gate, tiles(experts, hidden, ffn).asDown()),
                    tiles(TileFormat.Q4, queries, hidden),
                    tiles(TileFormat.Q4, keys, hidden),
                    tiles(TileFormat.Q4, hidden, queries));
        } catch (IllegalArgumentException misfit) {
            throw new PlanException("bits: this model cannot be quantized so: " + misfit.getMessage());
        }
    }

    private static TileShape tiles(TileFormat format, int rows, int columns) {
        long groups = (long) rows * columns / format.groupSize();
        return switch (format) {
            case Q2 -> new TileShape(format, rows, columns, Math.toIntExact(groups / Q2_SCALE_GROUP));
            case Q4 -> new TileShape(format, rows, columns, Math.toIntExact(groups / Q4_SCALE_GROUP));
            case Q2N -> new TileShape(format, rows, columns, 0);
        };
    }
}
