package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.cuda.Holdings;
import dev.gatun.engine.cuda.KernelLibrary;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.solver.CodeSearch;
import dev.gatun.quant.solver.FiniteWeights;
import dev.gatun.quant.solver.Target;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A stream and all that one matrix needs on its way through the device: its weights as they are stored, its fits and its
 * result. Lanes beside each other keep link, device and host busy at once. One thread at a time uses a lane.
 */
final class Lane implements AutoCloseable {
    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final Transfer transfer;
    private final GroupFit fit;
    private final NarrowEncoding narrow;
    private final HqqEncoding wide;
    private final GrowingMemory weightMemory;
    private final GrowingMemory scaleMemory;
    private final GrowingMemory zeroMemory;
    private final GrowingMemory errorMemory;

    /** Makes what finds scales and zeros. */
    @FunctionalInterface
    interface FitMaker {
        GroupFit make(KernelLibrary kernels, CudaStream stream, Transfer transfer);
    }

    Lane(CudaDevice device, KernelLibrary kernels, FitMaker maker) {
        try {
            this.stream = holdings.remember(CudaStream.open(device));
            this.transfer = holdings.remember(new Transfer(device, stream));
            this.fit = holdings.remember(maker.make(kernels, stream, transfer));
            this.narrow = holdings.remember(new NarrowEncoding(kernels, stream, transfer));
            this.wide = holdings.remember(new HqqEncoding(kernels, stream, transfer));
            this.weightMemory = holdings.remember(new GrowingMemory(device));
            this.scaleMemory = holdings.remember(new GrowingMemory(device));
            this.zeroMemory = holdings.remember(new GrowingMemory(device));
            this.errorMemory = holdings.remember(new GrowingMemory(device));
        } catch (RuntimeException | Error failure) {
            holdings.closeAfter(failure);
            throw failure;
        }
    }

    /** Quantizes a matrix that the target's scheme divides. */
    QuantizedMatrix quantize(String name, DenseMatrix weights, Target target) {
        DeviceGroups groups = groups(weights, target);
        transfer.upload(weights.values(), groups.weights());
        DeviceMemory error = errorMemory.of(Integer.BYTES);
        error.zero(stream);
        fit.fit(groups, error);
        requireQuantizable(name, weights, error);
        return encode(groups, target.scheme(), target.arena());
    }

    private DeviceGroups groups(DenseMatrix weights, Target target) {
        int groupSize = target.scheme().groupSize();
        int groupRows = weights.rows() / groupSize;
        long bytes = (long) Math.multiplyExact(groupRows, weights.columns()) * Float.BYTES;
        return new DeviceGroups(
                weightMemory.of(weights.bytes()),
                weights.type(),
                groupRows,
                weights.columns(),
                groupSize,
                target.bits(),
                scaleMemory.of(bytes),
                zeroMemory.of(bytes));
    }

    /** The device tells that there is one; which, the host finds as it does without a device. */
    private void requireQuantizable(String name, DenseMatrix weights, DeviceMemory error) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment word = transfer.download(error, arena);
            if (word.get(ValueLayout.JAVA_INT, 0) != 0) {
                FiniteWeights.requireQuantizable(name, weights);
                throw new IllegalStateException(
                        "`" + name + "`: all weights can be quantized, but the device says they cannot");
            }
        }
    }

    private QuantizedMatrix encode(DeviceGroups groups, QuantizationScheme scheme, Arena arena) {
        return switch (fit) {
            case LeastSquaresFit leastSquares ->
                switch (scheme) {
                    case NarrowScheme fourBits -> narrow.encode(groups, fourBits, CodeSearch.NEARBY, arena);
                    case HqqScheme eightBits -> wide.encode(groups, eightBits, CodeSearch.NEARBY, arena);
                };
            case HqqFit hqq ->
                switch (scheme) {
                    case NarrowScheme fourBits -> narrow.encode(groups, fourBits, CodeSearch.NEAREST, arena);
                    case HqqScheme eightBits -> wide.encodeAsOriginal(groups, eightBits, arena);
                };
        };
    }

    @Override
    public void close() {
        holdings.close();
    }
}
