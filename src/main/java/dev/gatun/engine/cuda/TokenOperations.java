package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.cuda.PinnedBuffer;
import java.time.Duration;

/** The operations of {@code tokens.cu}, which are small. */
final class TokenOperations {
    private static final int BLOCK = 1024;
    private static final int ADDING_BLOCK = 256;
    private static final int ADDED_BY_A_THREAD = 4;

    private final CudaStream stream;
    private final KernelArguments embed;
    private final KernelArguments norm;
    private final KernelArguments addHanded;

    TokenOperations(KernelLibrary kernels, CudaStream stream) {
        this.stream = stream;
        this.embed = kernels.find("tokens", "gatun_embed");
        this.norm = kernels.find("tokens", "gatun_rms_norm");
        this.addHanded = kernels.find("tokens", "gatun_add_handed");
    }

    /** hidden[t] = table[ids[t]]; {@code ids} are int32, as many as {@code hidden} has rows. */
    void embed(EmbeddingTable table, DeviceMemory ids, DeviceFloats hidden, DeviceMemory error) {
        table.set(embed, 0);
        embed.set(1, FloatTypes.code(table.type()))
                .set(2, table.rows())
                .set(3, table.columns())
                .set(4, ids)
                .set(5, hidden.memory())
                .set(6, error);
        embed.kernel().launch(LaunchShape.of(hidden.rows(), BLOCK), embed, stream);
    }

    /** y[t] = RMSNorm(x[t]) &middot; weight. */
    void norm(DeviceFloats x, DeviceMemory weight, float epsilon, DeviceFloats y) {
        norm.set(0, x.memory())
                .set(1, weight)
                .set(2, epsilon)
                .set(3, x.columns())
                .set(4, y.memory());
        norm.kernel().launch(LaunchShape.of(x.rows(), BLOCK), norm, stream);
    }

    /**
     * What a kernel waits for before it reads what the host writes.
     *
     * @param offset of an int64 in the host's memory, a multiple of 8
     * @param number what that must have come to
     * @param patience after this the kernel does nothing but set {@code ERROR_HOST}
     */
    record Gate(long offset, long number, Duration patience) {}

    /**
     * hidden += y, where the host has written y when {@code gate} opens and does not write there again before this has run.
     *
     * @param offset of y's first byte in {@code memory}, a multiple of 16
     */
    void addHanded(PinnedBuffer memory, Gate gate, long offset, DeviceFloats hidden, DeviceMemory error) {
        int values = Math.multiplyExact(hidden.rows(), hidden.columns());
        addHanded
                .set(0, memory, gate.offset())
                .set(1, gate.number())
                .set(2, gate.patience().toNanos())
                .set(3, memory, offset)
                .set(4, hidden.memory())
                .set(5, values)
                .set(6, error);
        int blocks = Math.ceilDiv(values, ADDING_BLOCK * ADDED_BY_A_THREAD);
        addHanded.kernel().launch(LaunchShape.of(blocks, ADDING_BLOCK), addHanded, stream);
    }
}
