package dev.gatun.engine.cpu;

import dev.gatun.cpu.FloatMatrix;
import dev.gatun.engine.Routing;
import java.lang.foreign.MemorySegment;

/**
 * A chunk's choices in host memory.
 *
 * @param normed the experts' input: what the router saw
 * @param ids int32 [tokens, expertsPerToken]
 * @param weights float32, likewise
 */
record CpuRouting(FloatMatrix normed, MemorySegment ids, MemorySegment weights) implements Routing {
    @Override
    public int tokens() {
        return normed.rows();
    }
}
