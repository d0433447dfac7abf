package dev.gatun.offload;

import dev.gatun.checkpoint.MixtralConfig;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The device memory that the CUDA backend's operations take for a chunk of a prompt in work, piece by piece, as they
 * allocate it.
 *
 * @param config the model's shape
 * @param tokens of a chunk
 * @param tiled whether the experts are blocks of tiles
 */
record ChunkWorkspace(MixtralConfig config, int tokens, boolean tiled) {
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
        return Stream.of(rows(), attention(), tiled ? tiles() : matrices(), LongStream.of(REST))
                .flatMapToLong(pieces -> pieces);
    }

    /** Residual stream, its norm, queries, keys, values, what was attended, inputs in fp16, logits, ids and choices. */
    private LongStream rows() {
        long hidden = (long) tokens * config.hiddenSize() * FLOAT;
        long queries = (long) tokens * config.heads() * config.headSize() * FLOAT;
        long keys = (long) tokens * config.kvHeads() * config.headSize() * FLOAT;
        long widest = tokens * padded(Math.max(config.hiddenSize(), config.heads() * config.headSize()));
        long factors = (long) tokens * FLOAT;
        long logits = (long) config.vocabularySize() * FLOAT;
        long each = choices() * Integer.BYTES;
        return LongStream.of(
                hidden, hidden, queries, queries, keys, keys, widest, factors, logits, factors, each, each, each, each);
    }

    private LongStream attention() {
        int group = config.heads() / config.kvHeads();
        int queries = group == 1 ? 1 : group <= 4 ? 4 : 8;
        long blocks = (long) config.kvHeads() * Math.ceilDiv(group, queries);
        long rows = FEW * blocks * Math.clamp(256 / blocks, 16, 64) * queries;
        long head = (long) config.headSize() * FLOAT;
        return LongStream.of(rows * head, rows * 2 * FLOAT, CHUNK_ROWS * head, CHUNK_ROWS * 2 * FLOAT);
    }

    /** Experts in tiles: their inputs and h in fp16 with factors, which of h is largest, results, and sums of few tokens. */
    private LongStream tiles() {
        int hidden = config.hiddenSize();
        int ffn = config.intermediateSize();
        long few = (long) FEW * config.expertsPerToken() * FLOAT;
        return LongStream.of(
                tokens * padded(hidden),
                choices() * padded(ffn),
                choices() * Math.ceilDiv(ffn, PADDED_TO),
                choices() * FLOAT,
                choices() * hidden * FLOAT,
                few * 2 * ffn * Math.ceilDiv(hidden, SLICE),
                few * hidden * Math.ceilDiv(ffn, SLICE));
    }

    /** Experts in any other format: h and results in fp32. */
    private LongStream matrices() {
        return LongStream.of(choices() * config.intermediateSize() * FLOAT, choices() * config.hiddenSize() * FLOAT);
    }

    private long choices() {
        return (long) tokens * config.expertsPerToken();
    }

    private static long padded(int columns) {
        return Math.ceilDiv((long) columns, PADDED_TO) * PADDED_TO * HALF;
    }
}
