package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceMemory;

/**
 * The device memory of one chunk in work, for up to {@code tokens} tokens. Operations take the first rows they need.
 *
 * @param tokenIds int32 [tokens]
 * @param place int32 [2]: where the chunk's first token stands, and the chunk's sequence number
 * @param errors int32 [layers + 1], a word of error bits for each layer's operations and one for the rest
 * @param hidden the residual stream, [tokens, hidden]
 * @param normed what a norm made of it
 * @param queries [tokens, heads * headSize]
 * @param keys [tokens, kvHeads * headSize]
 * @param values likewise
 * @param attended likewise queries
 * @param expertIds int32 [tokens, expertsPerToken]
 * @param expertWeights float32, likewise
 * @param logits [1, vocabulary]
 */
record CudaWorkspace(
        DeviceMemory tokenIds,
        DeviceMemory place,
        DeviceMemory errors,
        DeviceFloats hidden,
        DeviceFloats normed,
        DeviceFloats queries,
        DeviceFloats keys,
        DeviceFloats values,
        DeviceFloats attended,
        DeviceMemory expertIds,
        DeviceMemory expertWeights,
        DeviceFloats logits) {
    static CudaWorkspace allocate(DeviceArena arena, MixtralConfig config, int tokens) {
        int queryWidth = config.heads() * config.headSize();
        int keyWidth = config.kvHeads() * config.headSize();
        long choices = (long) tokens * config.expertsPerToken();
        return new CudaWorkspace(
                arena.allocate((long) tokens * Integer.BYTES),
                arena.allocate(2 * Integer.BYTES),
                arena.allocate((config.layers() + 1L) * Integer.BYTES),
                DeviceFloats.allocate(arena, tokens, config.hiddenSize()),
                DeviceFloats.allocate(arena, tokens, config.hiddenSize()),
                DeviceFloats.allocate(arena, tokens, queryWidth),
                DeviceFloats.allocate(arena, tokens, keyWidth),
                DeviceFloats.allocate(arena, tokens, keyWidth),
                DeviceFloats.allocate(arena, tokens, queryWidth),
                arena.allocate(choices * Integer.BYTES),
                arena.allocate(choices * Float.BYTES),
                DeviceFloats.allocate(arena, 1, config.vocabularySize()));
    }

    /** Where the chunk's first token stands. */
    DeviceMemory position() {
        return place.slice(0, Integer.BYTES);
    }

    /** The chunk's sequence number, 1 to 255. */
    DeviceMemory sequence() {
        return place.slice(Integer.BYTES, Integer.BYTES);
    }

    /** The error word of a layer; {@code errors.length - 1} is that of embedding and head. */
    DeviceMemory error(int word) {
        return errors.slice((long) word * Integer.BYTES, Integer.BYTES);
    }
}
