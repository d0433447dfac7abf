package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;

/** {@code route.cu}: norm, gate, softmax and top-k in one launch. */
final class RouterOperation {
    private static final int BLOCK = 1024;

    private final CudaStream stream;
    private final KernelArguments arguments;
    private final int topK;
    private final float epsilon;

    RouterOperation(KernelLibrary kernels, CudaStream stream, int topK, float epsilon) {
        this.stream = stream;
        this.arguments = kernels.find("route", "gatun_route");
        this.topK = topK;
        this.epsilon = epsilon;
    }

    /**
     * Chooses experts for norm(hidden).
     *
     * @param normed receives norm(hidden), the experts' input
     * @param ids int32 [tokens, topK], best first
     * @param weights float32, likewise
     */
    void route(
            DeviceFloats hidden,
            DeviceMemory norm,
            DeviceMatrix.Dense gate,
            DeviceFloats normed,
            DeviceMemory ids,
            DeviceMemory weights,
            DeviceMemory error) {
        arguments
                .set(0, hidden.memory())
                .set(1, norm)
                .set(2, epsilon)
                .set(3, gate.values())
                .set(4, FloatTypes.code(gate.type()))
                .set(5, hidden.columns())
                .set(6, gate.rows())
                .set(7, topK)
                .set(8, normed.memory())
                .set(9, ids)
                .set(10, weights)
                .set(11, error);
        arguments.kernel().launch(LaunchShape.of(hidden.rows(), BLOCK), arguments, stream);
    }
}
