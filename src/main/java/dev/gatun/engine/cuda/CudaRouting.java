package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.Routing;

/**
 * A chunk's choices in device memory.
 *
 * @param normed the experts' input: what the router saw
 * @param ids int32 [tokens, expertsPerToken]
 * @param weights float32, likewise
 */
record CudaRouting(DeviceFloats normed, DeviceMemory ids, DeviceMemory weights) implements Routing {
    @Override
    public int tokens() {
        return normed.rows();
    }
}
