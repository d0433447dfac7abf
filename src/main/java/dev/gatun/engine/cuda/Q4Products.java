package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import java.util.List;
import java.util.Optional;

/** {@code matvec_q4.cu}: up to three 4-bit matrices of one input in one launch, for at most 8 tokens. */
final class Q4Products {
    private static final int BLOCK = 256;
    private static final int GROUP_ROWS = 64;
    private static final int BLOCKS_PER_GROUP_ROW = 2;
    private static final int MOST_MATRICES = 3;

    // Where the kernel's parameters begin.
    private static final int MATRICES = 0;
    private static final int ROWS = 3;
    private static final int PAIRS = 6;
    private static final int COLUMNS = 9;
    private static final int INPUT = 10;
    private static final int NORM = 11;
    private static final int EPSILON = 12;
    private static final int OUTPUTS = 13;
    private static final int TOKENS = 16;
    private static final int ACCUMULATE = 17;

    private final CudaStream stream;
    private final TokenVariants kernels;

    Q4Products(KernelLibrary library, CudaStream stream) {
        this.stream = stream;
        this.kernels = TokenVariants.find(library, "matvec_q4", "gatun_matvec_q4");
    }

    /** y = W &middot; x, or y += W &middot; x. */
    void multiply(DeviceMatrix.Tiled matrix, DeviceFloats x, DeviceFloats y, boolean accumulate) {
        launch(List.of(matrix), x, Optional.empty(), 0, List.of(y), accumulate);
    }

    /** y[i] = W[i] &middot; (RMSNorm(x) &middot; norm), for up to three matrices. */
    void multiplyNormed(
            List<DeviceMatrix.Tiled> matrices, DeviceFloats x, DeviceMemory norm, float epsilon, List<DeviceFloats> y) {
        launch(matrices, x, Optional.of(norm), epsilon, y, false);
    }

    private void launch(
            List<DeviceMatrix.Tiled> matrices,
            DeviceFloats x,
            Optional<DeviceMemory> norm,
            float epsilon,
            List<DeviceFloats> y,
            boolean accumulate) {
        KernelArguments arguments = kernels.of(x.rows());
        int rows = 0;
        for (int i = 0; i < matrices.size(); i++) {
            setMatrix(arguments, i, matrices.get(i), y.get(i));
            rows += matrices.get(i).rows();
        }
        for (int i = matrices.size(); i < MOST_MATRICES; i++) {
            arguments.setNull(MATRICES + i).set(ROWS + i, 0).set(PAIRS + i, 1).setNull(OUTPUTS + i);
        }
        norm.ifPresentOrElse(weight -> arguments.set(NORM, weight), () -> arguments.setNull(NORM));
        arguments
                .set(COLUMNS, x.columns())
                .set(INPUT, x.memory())
                .set(EPSILON, epsilon)
                .set(TOKENS, x.rows())
                .set(ACCUMULATE, accumulate ? 1 : 0);
        LaunchShape shape = LaunchShape.of(BLOCKS_PER_GROUP_ROW * rows / GROUP_ROWS, BLOCK);
        arguments.kernel().launch(shape, arguments, stream);
    }

    private static void setMatrix(KernelArguments arguments, int i, DeviceMatrix.Tiled matrix, DeviceFloats y) {
        arguments
                .set(MATRICES + i, matrix.tiles())
                .set(ROWS + i, matrix.rows())
                .set(PAIRS + i, matrix.shape().pairs())
                .set(OUTPUTS + i, y.memory());
    }
}
