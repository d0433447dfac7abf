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
    static CudaRouting allocate(DeviceArena arena, int tokens, int hidden, int topK) {
        long choices = (long) tokens * topK;
        return new CudaRouting(
                DeviceFloats.allocate(arena, tokens, hidden),
                arena.allocate(choices * Integer.BYTES),
                arena.allocate(choices * Float.BYTES));
    }

    /** One token's choice of {@code topK} experts. */
    CudaRouting token(int token, int topK) {
        return new CudaRouting(
                normed.rows(token, 1),
                ids.slice((long) token * topK * Integer.BYTES, (long) topK * Integer.BYTES),
                weights.slice((long) token * topK * Float.BYTES, (long) topK * Float.BYTES));
    }

    @Override
    public int tokens() {
        return normed.rows();
    }
}
