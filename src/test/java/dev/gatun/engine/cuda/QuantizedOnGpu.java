package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceSuite.Which;
import dev.gatun.offload.OffloadOptions;
import java.util.function.UnaryOperator;

/** The quantized reference model on the first GPU. */
final class QuantizedOnGpu {
    private QuantizedOnGpu() {}

    static OpenModel open(OffloadOptions offload, CudaOptions options) {
        return open(offload, options, PieceAllocator.of(CudaDevice.open(0)));
    }

    /** With host memory from {@code pinning}. */
    static OpenModel open(OffloadOptions offload, CudaOptions options, PieceAllocator pinning) {
        return open(offload, options, pinning, UnaryOperator.identity());
    }

    /** With another road of the host as well. */
    static OpenModel open(
            OffloadOptions offload, CudaOptions options, PieceAllocator pinning, UnaryOperator<HostRoad> roads) {
        return OpenModel.open(
                Which.QUANTIZED.folder().model(),
                checkpoint -> new CudaBackend(
                        CudaDevice.open(0),
                        CudaModel.of(checkpoint.config(), checkpoint.weights()),
                        offload,
                        options,
                        (bytes, total) -> {},
                        pinning,
                        roads));
    }
}
