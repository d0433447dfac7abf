package dev.gatun.offload;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import java.util.stream.LongStream;
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
 * @param workspace what a chunk of a prompt in work takes, and what the driver rounds allocations up by
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
    /** Tokens of a prompt that a GPU processes at once. */
    public static final int GPU_CHUNK = 2048;

    private static final int HALF = Short.BYTES;

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

    /** Bytes of the trunk that may lie in host memory: embeddings that are not the head too, of which a token reads a row. */
    public long embeddings() {
        return trunk - trunkRead;
    }

    /** These sizes with another trunk and workspace, nothing of which may lie in host memory. */
    public ModelSizes withResident(long trunkBytes, long workspaceBytes) {
        return new ModelSizes(
                layers, experts, expertsPerToken, trunkBytes, trunkBytes, expert, keyValues, workspaceBytes);
    }

    /** Bytes of it all on a device: every expert, and keys and values of so many positions. */
    public long resident(long positions) {
        return trunk + allExperts() * expert + workspace + positions * keyValues;
    }

    /**
     * A model as its checkpoint has it; its matrices change little when kernels' tiles are made of them.
     *
     * @param chunk tokens of a prompt processed at once
     */
    public static ModelSizes stored(MixtralConfig config, ModelWeights weights, int chunk) {
        ExpertWeights first = weights.layers().getFirst().experts().getFirst();
        return of(
                config,
                weights.layers().stream().flatMapToLong(ModelSizes::attention).toArray(),
                weights.embeddings().bytes(),
                config.tiedEmbeddings() ? 0 : weights.head().computedBytes(),
                expert(first),
                new ChunkWorkspace(config, chunk, first.block().isPresent()));
    }

    private static LongStream attention(LayerWeights layer) {
        return Stream.of(layer.query(), layer.key(), layer.value(), layer.output(), layer.router())
                .mapToLong(matrix -> matrix.computedBytes());
    }

    private static long expert(ExpertWeights expert) {
        return expert.block()
                .map(ExpertBlock::bytes)
                .orElseGet(() -> aligned(expert.gate().computedBytes()
                        + expert.up().computedBytes()
                        + expert.down().computedBytes()));
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
        QuantizedShapes shapes = QuantizedShapes.of(config, experts);
        long embeddings = (long) config.vocabularySize() * config.hiddenSize() * HALF;
        return of(
                config,
                LongStream.range(0, config.layers())
                        .flatMap(layer -> attention(shapes, config))
                        .toArray(),
                embeddings,
                config.tiedEmbeddings() ? 0 : embeddings,
                shapes.expert().bytes(),
                new ChunkWorkspace(config, chunk, true));
    }

    private static LongStream attention(QuantizedShapes shapes, MixtralConfig config) {
        return LongStream.of(
                shapes.query().bytes(),
                shapes.key().bytes(),
                shapes.key().bytes(),
                shapes.output().bytes(),
                (long) config.experts() * config.hiddenSize() * HALF);
    }

    /**
     * Adds up.
     *
     * @param attention bytes of each matrix of attention and routers
     * @param head 0 if the embeddings serve for it
     */
    private static ModelSizes of(
            MixtralConfig config, long[] attention, long embeddings, long head, long expert, ChunkWorkspace workspace) {
        long norm = (long) config.hiddenSize() * HALF;
        long norms = (2L * config.layers() + 1) * norm;
        long layers = LongStream.of(attention).sum() + norms;
        long trunk = layers + embeddings + head;
        ArenaSize taken = new ArenaSize()
                .add(workspace.pieces())
                .add(LongStream.of(embeddings, head))
                .add(LongStream.of(attention))
                .add(LongStream.generate(() -> norm).limit(2L * config.layers() + 1));
        return new ModelSizes(
                config.layers(),
                config.experts(),
                config.expertsPerToken(),
                trunk,
                layers + (head == 0 ? embeddings : head),
                expert,
                config.keyValues() * HALF,
                taken.bytes() - trunk);
    }
}
