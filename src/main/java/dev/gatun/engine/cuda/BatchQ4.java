package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.KernelArguments;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** {@code batch_q4.cu}: up to three 4-bit matrices of one input in one launch, on tensor cores. */
final class BatchQ4 {
    // struct BatchQ4Arguments.
    private static final long BYTES = 104;
    private static final long MATRICES = 0;
    private static final long X = 24;
    private static final long FACTOR = 32;
    private static final long OUTPUTS = 40;
    private static final long ROWS = 64;
    private static final long PAIRS = 76;
    private static final long COLUMNS = 88;
    private static final long TOKENS = 92;
    private static final long ACCUMULATE = 96;

    private final CudaStream stream;
    private final BatchVariants variants;
    private final int multiprocessors;
    private final KernelStruct arguments = KernelStruct.allocate(BYTES);

    BatchQ4(KernelLibrary kernels, CudaStream stream) {
        this.stream = stream;
        this.variants =
                BatchVariants.find(kernels, "batch_q4", "gatun_batch_q4", BatchVariants.wideTiles(16, 32, 64, 128));
        this.multiprocessors = kernels.device().properties().multiprocessors();
    }

    /** y[i] (+)= W[i] &middot; x, for up to three matrices of the same columns. */
    void multiply(List<DeviceMatrix.Tiled> matrices, ScaledRows x, List<DeviceFloats> y, boolean accumulate) {
        arguments.clear();
        for (int i = 0; i < matrices.size(); i++) {
            DeviceMatrix.Tiled matrix = matrices.get(i);
            arguments
                    .pointer(MATRICES + (long) i * Long.BYTES, matrix.tiles())
                    .pointer(OUTPUTS + (long) i * Long.BYTES, y.get(i).memory())
                    .integer(ROWS + (long) i * Integer.BYTES, matrix.rows())
                    .integer(PAIRS + (long) i * Integer.BYTES, matrix.shape().pairs());
        }
        arguments
                .pointer(X, x.values())
                .pointer(FACTOR, x.factors())
                .integer(COLUMNS, x.columns())
                .integer(TOKENS, x.rows())
                .integer(ACCUMULATE, accumulate ? 1 : 0);
        IntUnaryOperator rowBlocks = rows -> matrices.stream()
                .mapToInt(matrix -> Math.ceilDiv(matrix.rows(), rows))
                .sum();
        BatchVariants.Variant variant = variants.filling(x.rows(), rowBlocks, multiprocessors);
        KernelArguments kernel = variant.kernel().set(0, arguments.bytes());
        long blocks = (long) rowBlocks.applyAsInt(variant.tile().rows()) * variant.tokenTiles(x.rows());
        kernel.kernel().launch(variant.shape(blocks), kernel, stream);
    }
}
