package dev.gatun.engine.cuda;

import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.MemorySegment;

/** A {@link HandOff} with a device. */
final class PinnedHandOff implements HandOff, AutoCloseable {
    /** What the kernels' vectors need. */
    private static final long ALIGNMENT = 256;

    private final TokenOperations operations;
    private final PinnedBuffer memory;
    private final long outputsAt;
    private final long weightsAt;
    private final long endedAt;
    private final HostSide host;

    /**
     * Takes memory for so many tokens of a chunk.
     *
     * @param operations put the adding in
     */
    PinnedHandOff(CudaDevice device, TokenOperations operations, int tokens, int hidden, int topK) {
        long rows = (long) tokens * hidden * Float.BYTES;
        long weights = (long) tokens * topK * Float.BYTES;
        this.operations = operations;
        this.outputsAt = Math.ceilDiv(rows, ALIGNMENT) * ALIGNMENT;
        this.weightsAt = 2 * outputsAt;
        this.endedAt = Math.ceilDiv(weightsAt + weights, ALIGNMENT) * ALIGNMENT;
        this.memory = PinnedBuffer.allocate(device, endedAt + Long.BYTES);
        MemorySegment all = memory.segment();
        this.host = new HostSide(
                FloatMatrix.of(all.asSlice(0, rows), tokens, hidden, hidden),
                all.asSlice(weightsAt, weights),
                topK,
                FloatMatrix.of(all.asSlice(outputsAt, rows), tokens, hidden, hidden),
                new HostWord(all.asSlice(endedAt, Long.BYTES)));
    }

    @Override
    public HostSide host() {
        return host;
    }

    @Override
    public void setRouter(KernelArguments router, int inputs, int weights) {
        router.set(inputs, memory, 0).set(weights, memory, weightsAt);
    }

    @Override
    public void add(int token, DeviceFloats hidden, DeviceMemory error) {
        TokenOperations.Gate gate =
                new TokenOperations.Gate(endedAt, host.ended().number(), PATIENCE);
        operations.addHanded(memory, gate, outputsAt + (long) token * hidden.columns() * Float.BYTES, hidden, error);
    }

    @Override
    public void close() {
        memory.close();
    }
}
