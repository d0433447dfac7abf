package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;

/** The operations of {@code tokens.cu}: one block a token. */
final class TokenOperations {
    private static final int BLOCK = 1024;

    private final CudaStream stream;
    private final KernelArguments embed;
    private final KernelArguments norm;

    TokenOperations(KernelLibrary kernels, CudaStream stream) {
        this.stream = stream;
        this.embed = kernels.find("tokens", "gatun_embed");
        this.norm = kernels.find("tokens", "gatun_rms_norm");
    }

    /** hidden[t] = table[ids[t]]; {@code ids} are int32, as many as {@code hidden} has rows. */
    void embed(DeviceMatrix.Dense table, DeviceMemory ids, DeviceFloats hidden, DeviceMemory error) {
        embed.set(0, table.values())
                .set(1, FloatTypes.code(table.type()))
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
}
