package dev.gatun.offload;

import dev.gatun.checkpoint.MixtralConfig;
import java.util.stream.LongStream;

/**
 * The device memory that the CUDA backend's operations take for a chunk of a prompt in work, piece by piece, as they
 * allocate it. A layer's attention and its experts are never in work at the same time, so that their pieces lie over each
 * other, in memory that they share.
 *
 * @param config the model's shape
 * @param tokens of a chunk
 * @param tiled whether the experts of all layers are blocks of tiles
 */
public record ChunkWorkspace(MixtralConfig config, int tokens, boolean tiled) {
    private static final int HALF = Short.BYTES;
    private static final int FLOAT = Float.BYTES;

    /** Inputs of batched products are padded to this many columns. */
    private static final int PADDED_TO = 128;

    /** The most tokens of kernels for few tokens, and the columns whose sums these keep apart. */
    private static final int FEW = 8;

    private static final int SLICE = 8 * PADDED_TO;

    /** Rows of sums of attention to a chunk, whatever its size. */
    private static final long CHUNK_ROWS = 256 * 128;

    /** The sampler's candidates, error words, position, frequencies. */
    private static final long REST = 1L << 20;

    /** Bytes of each piece. */
    LongStream pieces() {
        long each = choices() * Integer.BYTES;
        return LongStream.of(
                rows(config.hiddenSize()),
                shared(),
                (long) config.vocabularySize() * FLOAT,
                (long) tokens * Integer.BYTES,
                each,
                each,
                each,
                each,
                REST);
    }

    /** Bytes that attention and experts share. */
    public long shared() {
        Overlay layer = new Overlay();
        attention(layer.branch());
        experts(layer.branch());
        return layer.bytes();
    }

    /** What a norm made of the residual stream, queries, keys, values, what was attended, inputs in fp16, sums. */
    private void attention(Overlay pieces) {
        int queries = config.heads() * config.headSize();
        int keys = config.kvHeads() * config.headSize();
        place(pieces, rows(config.hiddenSize()), rows(queries), rows(keys), rows(keys), rows(queries));
        placeInputs(pieces, Math.max(config.hiddenSize(), queries));
        long head = (long) config.headSize() * FLOAT;
        place(pieces.branch(), sumsOfFew() * head, sumsOfFew() * 2 * FLOAT);
        place(pieces.branch(), CHUNK_ROWS * head, CHUNK_ROWS * 2 * FLOAT);
    }

    private long sumsOfFew() {
        int group = config.heads() / config.kvHeads();
        int queries = group == 1 ? 1 : group <= 4 ? 4 : 8;
        long blocks = (long) config.kvHeads() * Math.ceilDiv(group, queries);
        return FEW * blocks * Math.clamp(256 / blocks, 16, 64) * queries;
    }

    /** Results, over what the norm made, and what lies behind these. */
    private void experts(Overlay pieces) {
        place(pieces, choices() * config.hiddenSize() * FLOAT);
        placeTiles(pieces.branch());
        placeSumsOfTiles(pieces.branch());
        if (!tiled) {
            place(pieces.branch(), choices() * config.intermediateSize() * FLOAT);
        }
    }

    /** Experts of many tokens in tiles: inputs and h in fp16 with factors, and which of h is largest. */
    private void placeTiles(Overlay pieces) {
        int ffn = config.intermediateSize();
        placeInputs(pieces, config.hiddenSize());
        place(pieces, choices() * padded(ffn), choices() * Math.ceilDiv(ffn, PADDED_TO), choices() * FLOAT);
    }

    private void placeSumsOfTiles(Overlay pieces) {
        int hidden = config.hiddenSize();
        int ffn = config.intermediateSize();
        long few = (long) FEW * config.expertsPerToken() * FLOAT;
        place(pieces, few * 2 * ffn * Math.ceilDiv(hidden, SLICE), few * hidden * Math.ceilDiv(ffn, SLICE));
    }

    private void placeInputs(Overlay pieces, int columns) {
        place(pieces, tokens * padded(columns), rows(1));
    }

    private static void place(Overlay pieces, long... bytes) {
        LongStream.of(bytes).forEach(pieces::place);
    }

    private long rows(int columns) {
        return (long) tokens * columns * FLOAT;
    }

    private long choices() {
        return (long) tokens * config.expertsPerToken();
    }

    private static long padded(int columns) {
        return Math.ceilDiv((long) columns, PADDED_TO) * PADDED_TO * HALF;
    }
}
