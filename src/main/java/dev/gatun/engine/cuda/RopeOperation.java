package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.RotaryEmbedding;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/** {@code rope.cu}: the rotary embedding of queries and keys, and keys and values into the cache. */
final class RopeOperation {
    private static final int WARP = 32;

    private final CudaStream stream;
    private final HeadShape shape;
    private final KernelArguments appendHalf;
    private final KernelArguments appendFloat;
    private final DeviceMemory inverseFrequencies;

    RopeOperation(KernelLibrary kernels, CudaStream stream, DeviceArena arena, HeadShape shape, double theta) {
        this.stream = stream;
        this.shape = shape;
        this.appendHalf = kernels.find("rope", "gatun_rope_append");
        this.appendFloat = kernels.find("rope", "gatun_rope_append_f32");
        this.inverseFrequencies = arena.allocate((long) shape.headSize() / 2 * Float.BYTES);
        try (Arena host = Arena.ofConfined()) {
            float[] frequencies = RotaryEmbedding.inverseFrequencies(shape.headSize(), theta);
            inverseFrequencies.upload(0, host.allocateFrom(ValueLayout.JAVA_FLOAT, frequencies), stream);
        }
    }

    /** Turns {@code q} in place; {@code k}, turned, and {@code v} go to the cache from its position on. */
    void append(DeviceFloats q, DeviceFloats k, DeviceFloats v, LayerCache cache, DeviceMemory error) {
        KernelArguments append = cache.precision() == KvPrecision.F32 ? appendFloat : appendHalf;
        append.set(0, q.memory())
                .set(1, k.memory())
                .set(2, v.memory())
                .set(3, cache.keys())
                .set(4, cache.values())
                .set(5, (long) cache.capacity())
                .set(6, shape.heads())
                .set(7, shape.kvHeads())
                .set(8, shape.headSize())
                .set(9, cache.devicePosition())
                .set(10, inverseFrequencies)
                .set(11, error);
        int threads = Math.ceilDiv(shape.headSize() / 2, WARP) * WARP;
        LaunchShape grid = LaunchShape.of(1, threads).grid(shape.heads() + shape.kvHeads(), q.rows(), 1);
        append.kernel().launch(grid, append, stream);
    }
}
