package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.engine.cuda.KernelLibrary;
import dev.gatun.quant.solver.HqqSchedule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@code gatun_hqq_*} of {@code quantize_fit.cu}: the host waits for each round's error, which decides on another. */
final class HqqFit implements GroupFit {
    private final CudaStream stream;
    private final Transfer transfer;
    private final KernelArguments begin;
    private final SizedKernel improve;
    private final KernelArguments sum;
    private final GrowingMemory errors;
    private final GrowingMemory sums;

    HqqFit(KernelLibrary kernels, CudaStream stream, Transfer transfer) {
        this.stream = stream;
        this.transfer = transfer;
        this.begin = kernels.find("quantize_fit", "gatun_hqq_begin");
        this.improve = new SizedKernel(kernels, "quantize_fit", "gatun_hqq_improve");
        this.sum = kernels.find("quantize_fit", "gatun_hqq_sum");
        this.errors = new GrowingMemory(kernels.device());
        this.sums = new GrowingMemory(kernels.device());
    }

    @Override
    public void fit(DeviceGroups groups, DeviceMemory error) {
        groups.describe(begin).set(6, groups.scales()).set(7, groups.zeros()).set(8, error);
        groups.launch(begin, stream);
        DeviceMemory groupErrors = errors.of((long) groups.count() * Float.BYTES);
        DeviceMemory rowErrors = sums.of((long) groups.groupRows() * Double.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(rowErrors.byteSize(), Double.BYTES);
            HqqSchedule.run(beta -> {
                improve(groups, beta, groupErrors, rowErrors);
                transfer.download(rowErrors, host);
                double all =
                        Arrays.stream(host.toArray(ValueLayout.JAVA_DOUBLE)).sum();
                return HqqSchedule.meanError(all, groups.groupRows() * groups.groupSize(), groups.columns());
            });
        }
    }

    private void improve(DeviceGroups groups, double beta, DeviceMemory groupErrors, DeviceMemory rowErrors) {
        KernelArguments arguments = improve.of(groups)
                .set(6, beta)
                .set(7, HqqSchedule.shrinksToZero(beta))
                .set(8, groups.zeros())
                .set(9, groupErrors);
        groups.launch(arguments, stream);
        sum.set(0, groupErrors).set(1, groups.columns()).set(2, rowErrors);
        sum.kernel().launch(LaunchShape.of(groups.groupRows(), DeviceGroups.BLOCK), sum, stream);
    }

    @Override
    public void close() {
        errors.close();
        sums.close();
    }
}
