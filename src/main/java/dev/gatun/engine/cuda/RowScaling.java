package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.TileShape;
import java.util.Optional;

/** {@code gatun_rows_f16}: rows as fp16, each scaled by a power of two, with or without a norm before. */
final class RowScaling {
    private static final int BLOCK = 256;

    private final CudaStream stream;
    private final KernelArguments kernel;
    private final DeviceMemory values;
    private final DeviceMemory factors;

    /** Takes memory for up to {@code maxRows} rows of up to {@code maxColumns} columns. */
    RowScaling(KernelLibrary kernels, CudaStream stream, DevicePieces memory, int maxRows, int maxColumns) {
        this.stream = stream;
        this.kernel = kernels.find("rows", "gatun_rows_f16");
        this.values = memory.allocate(maxRows * paddedBytes(maxColumns));
        this.factors = memory.allocate((long) maxRows * Float.BYTES);
    }

    /** Bytes of one row. */
    static long paddedBytes(int columns) {
        return Math.ceilDiv((long) columns, TileShape.TILE_COLUMNS) * TileShape.TILE_COLUMNS * Short.BYTES;
    }

    /** x, or RMSNorm(x) &middot; norm; the result is valid until the next call. */
    ScaledRows scale(DeviceFloats x, Optional<DeviceMemory> norm, float epsilon) {
        kernel.set(0, x.memory())
                .set(2, epsilon)
                .set(3, x.columns())
                .set(4, values)
                .set(5, factors);
        norm.ifPresentOrElse(weight -> kernel.set(1, weight), () -> kernel.setNull(1));
        kernel.kernel().launch(LaunchShape.of(x.rows(), BLOCK), kernel, stream);
        return new ScaledRows(values, factors, x.rows(), x.columns());
    }
}
