package dev.gatun.offload;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.util.stream.Stream;

/**
 * What a model takes on a device, in bytes.
 *
 * @param layers decoder layers
 * @param experts experts of a layer
 * @param expertsPerToken experts chosen per token
 * @param trunk everything but the experts
 * @param trunkRead what a token reads of it: all but the embeddings
 * @param expert the block of one expert
 * @param keyValues keys and values of one position, all layers, 16 bits
 * @param workspace what a chunk of a prompt in work takes
 */
public record ModelSizes(
        int layers,
        int experts,
        int expertsPerToken,
        long trunk,
        long trunkRead,
        long expert,
        long keyValues,
        long workspace) {
    private static final int HALF = Short.BYTES;
    private static final int Q2_SCALE_GROUP = 128;
    private static final int Q4_SCALE_GROUP = 256;

    /** The trunk's share of the workspace that no formula knows, with room to spare. */
    private static final long WORKSPACE_REST = 256L << 20;

    public ModelSizes {
        if (layers <= 0 || expertsPerToken <= 0 || experts < expertsPerToken || expert <= 0) {
            throw new IllegalArgumentException("no model: " + layers + " layers, " + expertsPerToken + " of " + experts
                    + " experts of " + expert + " bytes");
        }
    }

    /** Experts of all layers. */
    public int allExperts() {
        return layers * experts;
    }

    /** Bytes of it all on a device: every expert, and keys and values of so many positions. */
    public long resident(long positions) {
        return trunk + allExperts() * expert + workspace + positions * keyValues;
    }

    /** A model as its checkpoint has it; its matrices change little when kernels' tiles are made of them. */
    public static ModelSizes stored(MixtralConfig config, ModelWeights weights, int chunk) {
        long attention =
                weights.layers().stream().mapToLong(ModelSizes::attention).sum();
        return of(
                config,
                attention,
                weights.embeddings().bytes(),
                weights.head().bytes(),
                expert(weights.layers().getFirst().experts().getFirst()),
                chunk);
    }

    private static long attention(LayerWeights layer) {
        return Stream.of(layer.query(), layer.key(), layer.value(), layer.output(), layer.router())
                .mapToLong(matrix -> matrix.bytes())
                .sum();
    }

    private static long expert(ExpertWeights expert) {
        return expert.block()
                .map(ExpertBlock::bytes)
                .orElseGet(() -> aligned(expert.gate().bytes()
                        + expert.up().bytes()
                        + expert.down().bytes()));
    }

    private static long aligned(long bytes) {
        return (bytes + ExpertBlock.ALIGNMENT - 1) / ExpertBlock.ALIGNMENT * ExpertBlock.ALIGNMENT;
    }

    /**
     * A model with 4-bit attention and 2-bit experts, whether such a checkpoint exists or not.
     *
     * @param experts {@link TileFormat#Q2} for 3.0 bits a weight, {@link TileFormat#Q2N} for 2.53
     * @param chunk tokens of a prompt processed at once
     * @throws PlanException if the formats do not divide the model's matrices
     */
    public static ModelSizes quantized(MixtralConfig config, TileFormat experts, int chunk) {
        try {
            int hidden = config.hiddenSize();
            int ffn = config.intermediateSize();
            TileShape gate = tiles(experts, ffn, hidden);
            ExpertBlock block = new ExpertBlock(gate, gate, tiles(experts, hidden, ffn));
            long embeddings = (long) config.vocabularySize() * hidden * HALF;
            long attention = config.layers() * (attention(config) + (long) config.experts() * hidden * HALF);
            return of(config, attention, embeddings, config.tiedEmbeddings() ? 0 : embeddings, block.bytes(), chunk);
        } catch (IllegalArgumentException misfit) {
            throw new PlanException("bits: this model cannot be quantized so: " + misfit.getMessage());
        }
    }

    private static long attention(MixtralConfig config) {
        int queries = config.heads() * config.headSize();
        int keys = config.kvHeads() * config.headSize();
        return tiles(TileFormat.Q4, queries, config.hiddenSize()).bytes()
                + 2 * tiles(TileFormat.Q4, keys, config.hiddenSize()).bytes()
                + tiles(TileFormat.Q4, config.hiddenSize(), queries).bytes();
    }

    private static TileShape tiles(TileFormat format, int rows, int columns) {
        long groups = (long) rows * columns / format.groupSize();
        return switch (format) {
            case Q2 -> new TileShape(format, rows, columns, Math.toIntExact(groups / Q2_SCALE_GROUP));
            case Q4 -> new TileShape(format, rows, columns, Math.toIntExact(groups / Q4_SCALE_GROUP));
            case Q2N -> new TileShape(format, rows, columns, 0);
        };
    }

    private static ModelSizes of(
            MixtralConfig config, long attention, long embeddings, long head, long expert, int chunk) {
        long norms = (2L * config.layers() + 1) * config.hiddenSize() * HALF;
        boolean tied = config.tiedEmbeddings();
        return new ModelSizes(
                config.layers(),
                config.experts(),
                config.expertsPerToken(),
                attention + norms + embeddings + (tied ? 0 : head),
                attention + norms + (tied ? embeddings : head),
                expert,
                config.keyValues() * HALF,
                workspace(config, chunk));
    }

    /** The experts' inputs and results of a chunk, and the rest. */
    private static long workspace(MixtralConfig config, int chunk) {
        long choices = (long) chunk * config.expertsPerToken();
        long widths = 4L * config.intermediateSize() + 4L * config.hiddenSize();
        return choices * widths * Float.BYTES + WORKSPACE_REST;
    }
}
