package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.engine.RotaryEmbedding;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The memory of one chunk in work, for up to {@code tokens} tokens. Operations take the first rows they need.
 *
 * @param hidden the residual stream
 * @param normed what a norm made of it
 * @param queries [tokens, heads * headSize]
 * @param keys [tokens, kvHeads * headSize]
 * @param values likewise
 * @param attended likewise queries
 * @param projected [tokens, hidden]
 * @param routerLogits [tokens, experts]
 * @param expertIds int32 [tokens, expertsPerToken]
 * @param expertWeights float32, likewise
 * @param inverseFrequencies float32 [headSize / 2]: theta^(-2i / headSize)
 * @param logits [1, vocabulary]
 */
record CpuWorkspace(
        FloatMatrix hidden,
        FloatMatrix normed,
        FloatMatrix queries,
        FloatMatrix keys,
        FloatMatrix values,
        FloatMatrix attended,
        FloatMatrix projected,
        FloatMatrix routerLogits,
        MemorySegment expertIds,
        MemorySegment expertWeights,
        MemorySegment inverseFrequencies,
        FloatMatrix logits) {

    static CpuWorkspace allocate(Arena arena, MixtralConfig config, int tokens) {
        int queryWidth = config.heads() * config.headSize();
        int keyWidth = config.kvHeads() * config.headSize();
        long choices = (long) tokens * config.expertsPerToken();
        return new CpuWorkspace(
                FloatMatrix.allocate(arena, tokens, config.hiddenSize()),
                FloatMatrix.allocate(arena, tokens, config.hiddenSize()),
                FloatMatrix.allocate(arena, tokens, queryWidth),
                FloatMatrix.allocate(arena, tokens, keyWidth),
                FloatMatrix.allocate(arena, tokens, keyWidth),
                FloatMatrix.allocate(arena, tokens, queryWidth),
                FloatMatrix.allocate(arena, tokens, config.hiddenSize()),
                FloatMatrix.allocate(arena, tokens, config.experts()),
                arena.allocate(ValueLayout.JAVA_INT, choices),
                arena.allocate(ValueLayout.JAVA_FLOAT, choices),
                arena.allocateFrom(
                        ValueLayout.JAVA_FLOAT,
                        RotaryEmbedding.inverseFrequencies(config.headSize(), config.ropeTheta())),
                FloatMatrix.allocate(arena, 1, config.vocabularySize()));
    }
}
