package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;

/** {@code matvec_dense.cu}: an unquantized matrix and at most 8 tokens. */
final class DenseProducts {
    private static final int BLOCK = 256;
    private static final int ROWS_PER_BLOCK = 32;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;

    private final CudaStream stream;
    private final TokenVariants kernels;
    private final int mostBlocks;

    DenseProducts(KernelLibrary library, CudaStream stream) {
        this.stream = stream;
        this.kernels = TokenVariants.find(library, "matvec_dense", "gatun_matvec_dense");
        this.mostBlocks =
                BLOCKS_PER_MULTIPROCESSOR * library.device().properties().multiprocessors();
    }

    /** y = W &middot; x, or y += W &middot; x. */
    void multiply(DeviceMatrix.Dense matrix, DeviceFloats x, DeviceFloats y, boolean accumulate) {
        KernelArguments arguments = kernels.of(x.rows())
                .set(0, matrix.values())
                .set(1, FloatTypes.code(matrix.type()))
                .set(2, matrix.rows())
                .set(3, matrix.columns())
                .set(4, x.memory())
                .set(5, y.memory())
                .set(6, x.rows())
                .set(7, accumulate ? 1 : 0);
        int blocks = Math.min(Math.ceilDiv(matrix.rows(), ROWS_PER_BLOCK), mostBlocks);
        arguments.kernel().launch(LaunchShape.of(blocks, BLOCK), arguments, stream);
    }
}
