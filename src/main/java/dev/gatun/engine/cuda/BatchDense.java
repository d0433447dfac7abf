package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.quant.FloatType;
import java.util.EnumMap;
import java.util.Map;

/** {@code batch_dense.cu}: an unquantized matrix and many tokens, on tensor cores. */
final class BatchDense {
    // struct BatchDenseArguments.
    private static final long BYTES = 56;
    private static final long MATRIX = 0;
    private static final long X = 8;
    private static final long FACTOR = 16;
    private static final long Y = 24;
    private static final long ROWS = 32;
    private static final long COLUMNS = 36;
    private static final long TOKENS = 40;
    private static final long EXPONENT = 44;
    private static final long ACCUMULATE = 48;

    private final CudaStream stream;
    private final Map<FloatType, BatchVariants> variants = new EnumMap<>(FloatType.class);
    private final int multiprocessors;
    private final KernelStruct arguments = KernelStruct.allocate(BYTES);

    BatchDense(KernelLibrary kernels, CudaStream stream) {
        this.stream = stream;
        this.multiprocessors = kernels.device().properties().multiprocessors();
        variants.put(
                FloatType.F32,
                BatchVariants.find(kernels, "batch_dense", "gatun_batch_dense_f32", BatchVariants.wideTiles(16, 64)));
        variants.put(
                FloatType.F16,
                BatchVariants.find(
                        kernels, "batch_dense", "gatun_batch_dense_f16", BatchVariants.wideTiles(16, 64, 128)));
        variants.put(
                FloatType.BF16,
                BatchVariants.find(
                        kernels, "batch_dense", "gatun_batch_dense_bf16", BatchVariants.wideTiles(16, 64, 128)));
    }

    /** y (+)= W &middot; x. */
    void multiply(DeviceMatrix.Dense matrix, ScaledRows x, DeviceFloats y, boolean accumulate) {
        arguments
                .pointer(MATRIX, matrix.values())
                .pointer(X, x.values())
                .pointer(FACTOR, x.factors())
                .pointer(Y, y.memory())
                .integer(ROWS, matrix.rows())
                .integer(COLUMNS, matrix.columns())
                .integer(TOKENS, x.rows())
                .integer(EXPONENT, matrix.exponent())
                .integer(ACCUMULATE, accumulate ? 1 : 0);
        BatchVariants.Variant variant = variants.get(matrix.type())
                .filling(x.rows(), rows -> Math.ceilDiv(matrix.rows(), rows), multiprocessors);
        KernelArguments kernel = variant.kernel().set(0, arguments.bytes());
        long blocks = (long) variant.rowBlocks(matrix.rows()) * variant.tokenTiles(x.rows());
        kernel.kernel().launch(variant.shape(blocks), kernel, stream);
    }
}
