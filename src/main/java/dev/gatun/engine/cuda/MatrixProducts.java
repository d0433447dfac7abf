package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import java.util.List;
import java.util.Optional;

/** Products with matrices of every format and any number of tokens: y[t] (+)= W &middot; x[t]. */
final class MatrixProducts {
    private final DenseProducts dense;
    private final Q4Products q4;
    private final AnyProducts any;
    private final BatchDense batchDense;
    private final BatchQ4 batchQ4;
    private final RowScaling scaling;
    private final TokenOperations tokens;
    private final DeviceFloats normed;
    private final DeviceMemory error;

    /**
     * Takes memory for up to {@code maxTokens} tokens.
     *
     * @param workspace for what norms make of inputs, for inputs in fp16, and with an error word
     */
    MatrixProducts(
            CudaResources resources,
            MixtralConfig config,
            TokenOperations tokens,
            CudaWorkspace workspace,
            int maxTokens) {
        KernelLibrary kernels = resources.kernels();
        CudaStream stream = resources.stream();
        this.dense = new DenseProducts(kernels, stream);
        this.q4 = new Q4Products(kernels, stream);
        this.any = new AnyProducts(kernels, stream);
        this.batchDense = new BatchDense(kernels, stream);
        this.batchQ4 = new BatchQ4(kernels, stream);
        int widest = Math.max(config.hiddenSize(), config.heads() * config.headSize());
        this.scaling = new RowScaling(kernels, stream, workspace.attention(), maxTokens, widest);
        this.tokens = tokens;
        this.normed = workspace.normed();
        this.error = workspace.error(config.layers());
    }

    /** Those for matrices in any format. */
    AnyProducts any() {
        return any;
    }

    /** y = W &middot; x, or y += W &middot; x. */
    void multiply(DeviceMatrix matrix, DeviceFloats x, DeviceFloats y, boolean accumulate) {
        boolean few = x.rows() <= TokenVariants.MOST;
        switch (matrix) {
            case DeviceMatrix.Dense full when few -> dense.multiply(full, x, y, accumulate);
            case DeviceMatrix.Dense full ->
                batchDense.multiply(full, scaling.scale(x, Optional.empty(), 0), y, accumulate);
            case DeviceMatrix.Tiled tiled when few -> q4.multiply(tiled, x, y, accumulate);
            case DeviceMatrix.Tiled tiled ->
                batchQ4.multiply(List.of(tiled), scaling.scale(x, Optional.empty(), 0), List.of(y), accumulate);
            case DeviceMatrix.Hqq untiled -> multiplyAny(untiled, x, y, accumulate);
            case DeviceMatrix.Narrow untiled -> multiplyAny(untiled, x, y, accumulate);
        }
    }

    private void multiplyAny(DeviceMatrix.Untiled matrix, DeviceFloats x, DeviceFloats y, boolean accumulate) {
        any.multiply(matrix, x, y, accumulate ? AnyProducts.Mode.ADD : AnyProducts.Mode.SET, error);
    }

    /** y[i] = W[i] &middot; (RMSNorm(x) &middot; norm). */
    void multiplyNormed(
            Projections projections, DeviceFloats x, DeviceMemory norm, float epsilon, List<DeviceFloats> y) {
        boolean few = x.rows() <= TokenVariants.MOST;
        switch (projections) {
            case Projections.Tiled tiled when few -> q4.multiplyNormed(tiled.matrices(), x, norm, epsilon, y);
            case Projections.Tiled tiled ->
                batchQ4.multiply(tiled.matrices(), scaling.scale(x, Optional.of(norm), epsilon), y, false);
            case Projections.Separate separate -> multiplySeparately(separate.matrices(), x, norm, epsilon, y);
        }
    }

    private void multiplySeparately(
            List<DeviceMatrix> matrices, DeviceFloats x, DeviceMemory norm, float epsilon, List<DeviceFloats> y) {
        DeviceFloats input = normed.rows(0, x.rows());
        tokens.norm(x, norm, epsilon, input);
        for (int i = 0; i < matrices.size(); i++) {
            multiply(matrices.get(i), input, y.get(i), false);
        }
    }
}
