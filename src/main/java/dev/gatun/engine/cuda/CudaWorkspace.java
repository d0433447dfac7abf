package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.ChunkWorkspace;

/**
 * The device memory of one chunk in work, for up to {@code tokens} tokens. Operations take the first rows they need. What
 * attention and what experts keep lies over each other:
 *
 * <pre>
 * attention   normed | queries | keys | values | attended | what its operations keep
 * router      normed
 * experts     results, over normed   | what operations on experts keep
 * head        normed |                                      inputs in fp16, as in attention
 * </pre>
 *
 * So what a norm made is undefined once an expert's result is written, and everything but the residual stream, the choice and
 * the logits once the other has run.
 *
 * @param tokenIds int32 [tokens]
 * @param place int32 [2]: where the chunk's first token stands, and the chunk's sequence number
 * @param errors int32 [layers + 1], a word of error bits for each layer's operations and one for the rest
 * @param hidden the residual stream, [tokens, hidden]
 * @param normed what a norm made of it, likewise
 * @param queries [tokens, heads * headSize]
 * @param keys [tokens, kvHeads * headSize]
 * @param values likewise
 * @param attended likewise queries
 * @param results what experts computed, [tokens * expertsPerToken, hidden]
 * @param attention for what else attention and head keep
 * @param experts for what else experts keep
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
        DeviceFloats results,
        OverlaidMemory attention,
        OverlaidMemory experts,
        DeviceMemory expertIds,
        DeviceMemory expertWeights,
        DeviceFloats logits) {
    static CudaWorkspace allocate(DeviceArena arena, ChunkWorkspace plan) {
        MixtralConfig config = plan.config();
        int tokens = plan.tokens();
        int queryWidth = config.heads() * config.headSize();
        int keyWidth = config.kvHeads() * config.headSize();
        int choices = tokens * config.expertsPerToken();
        OverlaidMemory layer = OverlaidMemory.of(arena, plan.shared());
        OverlaidMemory attention = layer.branch();
        OverlaidMemory experts = layer.branch();
        return new CudaWorkspace(
                arena.allocate((long) tokens * Integer.BYTES),
                arena.allocate(2 * Integer.BYTES),
                arena.allocate((config.layers() + 1L) * Integer.BYTES),
                DeviceFloats.allocate(arena, tokens, config.hiddenSize()),
                DeviceFloats.allocate(attention, tokens, config.hiddenSize()),
                DeviceFloats.allocate(attention, tokens, queryWidth),
                DeviceFloats.allocate(attention, tokens, keyWidth),
                DeviceFloats.allocate(attention, tokens, keyWidth),
                DeviceFloats.allocate(attention, tokens, queryWidth),
                DeviceFloats.allocate(experts, choices, config.hiddenSize()),
                attention,
                experts,
                arena.allocate((long) choices * Integer.BYTES),
                arena.allocate((long) choices * Float.BYTES),
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
