package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.engine.cuda.KernelLibrary;

/** {@code gatun_fit} of {@code quantize_fit.cu}. */
final class LeastSquaresFit implements GroupFit {
    private final CudaStream stream;
    private final SizedKernel fit;

    LeastSquaresFit(KernelLibrary kernels, CudaStream stream) {
        this.stream = stream;
        this.fit = new SizedKernel(kernels, "quantize_fit", "gatun_fit");
    }

    @Override
    public void fit(DeviceGroups groups, DeviceMemory error) {
        KernelArguments arguments =
                fit.of(groups).set(6, groups.scales()).set(7, groups.zeros()).set(8, error);
        groups.launch(arguments, stream);
    }

    @Override
    public void close() {
        // The library has its kernels.
    }
}
