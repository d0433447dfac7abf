package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.engine.cuda.KernelLibrary;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.RandomMatrices;
import dev.gatun.quant.solver.CodeSearch;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What each step of a matrix of an 8x7B's experts takes on the device, in the median of 5: its way there, its fit, and the
 * second level, codes and way back together.
 *
 * <p>{@code java -cp ... dev.gatun.quantize.cuda.KernelSpeed}
 */
public final class KernelSpeed {
    private static final int ROWS = 14_336;
    private static final int COLUMNS = 4096;
    private static final int TIMES = 5;

    private final CudaStream stream;
    private final CudaEvent begin;
    private final CudaEvent end;

    private KernelSpeed(CudaStream stream, CudaEvent begin, CudaEvent end) {
        this.stream = stream;
        this.begin = begin;
        this.end = end;
    }

    public static void main(String[] arguments) {
        CudaDevice device = CudaDevice.open(0);
        System.out.println(device);
        try (KernelLibrary kernels = new KernelLibrary(device);
                CudaStream stream = CudaStream.open(device);
                CudaEvent begin = CudaEvent.openTiming(device);
                CudaEvent end = CudaEvent.openTiming(device)) {
            new KernelSpeed(stream, begin, end).measure(kernels);
        }
    }

    private void measure(KernelLibrary kernels) {
        DenseMatrix weights = new RandomMatrices(1).dense(FloatType.BF16, ROWS, COLUMNS);
        try (Transfer transfer = new Transfer(kernels.device(), stream);
                DeviceBuffer memory = DeviceBuffer.allocate(kernels.device(), weights.bytes());
                DeviceBuffer error = DeviceBuffer.allocate(kernels.device(), Integer.BYTES)) {
            time("upload", () -> transfer.upload(weights.values(), memory));
            for (QuantizationScheme scheme : List.of(
                    new NarrowScheme(2, 16),
                    new HqqScheme(2, 16, 128),
                    new HqqScheme(4, 64, 256),
                    new NarrowScheme(4, 32))) {
                long bytes = (long) ROWS / scheme.groupSize() * COLUMNS * Float.BYTES;
                try (DeviceBuffer scales = DeviceBuffer.allocate(kernels.device(), bytes);
                        DeviceBuffer zeros = DeviceBuffer.allocate(kernels.device(), bytes)) {
                    DeviceGroups groups = new DeviceGroups(
                            memory,
                            weights.type(),
                            ROWS / scheme.groupSize(),
                            COLUMNS,
                            scheme.groupSize(),
                            scheme.bits(),
                            scales,
                            zeros);
                    measure(kernels, transfer, groups, scheme, error);
                }
            }
        }
    }

    private void measure(
            KernelLibrary kernels,
            Transfer transfer,
            DeviceGroups groups,
            QuantizationScheme scheme,
            DeviceBuffer error) {
        try (GroupFit hqq = new HqqFit(kernels, stream, transfer);
                GroupFit leastSquares = new LeastSquaresFit(kernels, stream);
                NarrowEncoding narrow = new NarrowEncoding(kernels, stream, transfer);
                HqqEncoding wide = new HqqEncoding(kernels, stream, transfer)) {
            time(scheme + ", HQQ", () -> hqq.fit(groups, error));
            time(scheme + ", least squares", () -> leastSquares.fit(groups, error));
            time(scheme + ", the rest", () -> {
                try (Arena arena = Arena.ofShared()) {
                    switch (scheme) {
                        case NarrowScheme four -> narrow.encode(groups, four, CodeSearch.NEARBY, arena);
                        case HqqScheme eight -> wide.encode(groups, eight, CodeSearch.NEARBY, arena);
                    }
                }
            });
        }
    }

    private void time(String what, Runnable work) {
        work.run();
        double[] milliseconds = IntStream.range(0, TIMES)
                .mapToDouble(i -> {
                    stream.record(begin);
                    work.run();
                    stream.record(end);
                    end.synchronize();
                    return end.millisecondsSince(begin);
                })
                .toArray();
        Arrays.sort(milliseconds);
        double median = milliseconds[TIMES / 2];
        System.out.printf(
                Locale.ROOT, "%s: %.2f ms, %.2f G weights/s%n", what, median, (double) ROWS * COLUMNS / median / 1e6);
    }
}
