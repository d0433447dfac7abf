package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import java.util.List;

/** Products with matrices of every format: y[t] (+)= W &middot; x[t]. */
final class MatrixProducts {
    private static final int BLOCK = 256;
    private static final int DENSE_ROWS_PER_BLOCK = 32;
    private static final int DENSE_BLOCKS_PER_MULTIPROCESSOR = 8;

    private final CudaStream stream;
    private final TokenVariants dense;
    private final Q4Products q4;
    private final int mostDenseBlocks;

    MatrixProducts(KernelLibrary kernels, CudaStream stream) {
        this.stream = stream;
        this.dense = TokenVariants.find(kernels, "matvec_dense", "gatun_matvec_dense");
        this.q4 = new Q4Products(kernels, stream);
        this.mostDenseBlocks =
                DENSE_BLOCKS_PER_MULTIPROCESSOR * kernels.device().properties().multiprocessors();
    }

    /** y = W &middot; x, or y += W &middot; x; row by row of x. */
    void multiply(DeviceMatrix matrix, DeviceFloats x, DeviceFloats y, boolean accumulate) {
        for (int first = 0; first < x.rows(); first += TokenVariants.MOST) {
            int count = Math.min(TokenVariants.MOST, x.rows() - first);
            multiplyFew(matrix, x.rows(first, count), y.rows(first, count), accumulate);
        }
    }

    /**
     * y[i] = W[i] &middot; (RMSNorm(x) &middot; norm) in one launch, where the formats have one.
     *
     * @return whether it was done
     */
    boolean multiplyNormed(
            List<DeviceMatrix> matrices, DeviceFloats x, DeviceMemory norm, float epsilon, List<DeviceFloats> y) {
        boolean fits = x.rows() <= TokenVariants.MOST && matrices.stream().allMatch(DeviceMatrix.Tiled.class::isInstance);
        if (fits) {
            List<DeviceMatrix.Tiled> tiled =
                    matrices.stream().map(DeviceMatrix.Tiled.class::cast).toList();
            q4.multiplyNormed(tiled, x, norm, epsilon, y);
        }
        return fits;
    }

    private void multiplyFew(DeviceMatrix matrix, DeviceFloats x, DeviceFloats y, boolean accumulate) {
        switch (matrix) {
            case DeviceMatrix.Dense full -> multiplyDense(full, x, y, accumulate);
            case DeviceMatrix.Tiled tiled -> q4.multiply(tiled, x, y, accumulate);
        }
    }

    private void multiplyDense(DeviceMatrix.Dense matrix, DeviceFloats x, DeviceFloats y, boolean accumulate) {
        KernelArguments arguments = dense.of(x.rows())
                .set(0, matrix.values())
                .set(1, FloatTypes.code(matrix.type()))
                .set(2, matrix.rows())
                .set(3, matrix.columns())
                .set(4, x.memory())
                .set(5, y.memory())
                .set(6, x.rows())
                .set(7, accumulate ? 1 : 0);
        int blocks = Math.min(Math.ceilDiv(matrix.rows(), DENSE_ROWS_PER_BLOCK), mostDenseBlocks);
        arguments.kernel().launch(LaunchShape.of(blocks, BLOCK), arguments, stream);
    }
}
