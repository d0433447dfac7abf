package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.engine.cuda.Holdings;
import dev.gatun.engine.cuda.KernelLibrary;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.solver.CodeSearch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** From fits to matrices with 8-bit scales: {@code gatun_level_hqq_*} and {@code gatun_choose_hqq}. */
final class HqqEncoding implements AutoCloseable {
    private static final int BLOCK = 128;
    private static final int RANGE_BLOCK = 1024;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final Transfer transfer;
    private final KernelArguments scaleLevel;
    private final KernelArguments zeroLevel;
    private final CodeKernel choose;
    private final GrowingMemory steps;
    private final GrowingMemory offsets;
    private final GrowingMemory zeroPair;
    private final GrowingMemory scaleCodes;
    private final GrowingMemory zeroCodes;

    HqqEncoding(KernelLibrary kernels, CudaStream stream, Transfer transfer) {
        this.stream = stream;
        this.transfer = transfer;
        this.scaleLevel = kernels.find("quantize_choose", "gatun_level_hqq_scales");
        this.zeroLevel = kernels.find("quantize_choose", "gatun_level_hqq_zeros");
        this.choose = holdings.remember(new CodeKernel(kernels, "gatun_choose_hqq", stream));
        this.steps = holdings.remember(new GrowingMemory(kernels.device()));
        this.offsets = holdings.remember(new GrowingMemory(kernels.device()));
        this.zeroPair = holdings.remember(new GrowingMemory(kernels.device()));
        this.scaleCodes = holdings.remember(new GrowingMemory(kernels.device()));
        this.zeroCodes = holdings.remember(new GrowingMemory(kernels.device()));
    }

    /** The second level, and the codes of scales and zeros, on the device. */
    private record Parts(
            int pairs,
            DeviceMemory steps,
            DeviceMemory offsets,
            DeviceMemory zeroPair,
            DeviceMemory scaleCodes,
            DeviceMemory zeroCodes) {
        void set(KernelArguments arguments) {
            arguments
                    .set(14, steps)
                    .set(15, offsets)
                    .set(16, zeroPair)
                    .set(17, pairs)
                    .set(18, scaleCodes)
                    .set(19, zeroCodes);
        }
    }

    /** Waits until the matrix is there, allocated in the arena. */
    HqqMatrix encode(DeviceGroups groups, HqqScheme scheme, CodeSearch search, Arena arena) {
        Parts parts = parts(groups, groups.count() / scheme.scaleGroup());
        fitLevels(groups, parts);
        DeviceMemory codes = choose.launch(groups, scheme, search, parts::set);
        MemorySegment pair = transfer.download(parts.zeroPair(), arena);
        return new HqqMatrix(
                scheme,
                groups.groupRows() * groups.groupSize(),
                groups.columns(),
                transfer.download(codes, arena),
                transfer.download(parts.scaleCodes(), arena),
                transfer.download(parts.steps(), arena),
                transfer.download(parts.offsets(), arena),
                transfer.download(parts.zeroCodes(), arena),
                Float.float16ToFloat(pair.get(HALF, 0)),
                Float.float16ToFloat(pair.get(HALF, Short.BYTES)));
    }

    private Parts parts(DeviceGroups groups, int pairs) {
        return new Parts(
                pairs,
                steps.of((long) pairs * Short.BYTES),
                offsets.of((long) pairs * Short.BYTES),
                zeroPair.of(2 * Short.BYTES),
                scaleCodes.of(groups.count()),
                zeroCodes.of(groups.count()));
    }

    private void fitLevels(DeviceGroups groups, Parts parts) {
        scaleLevel
                .set(0, groups.scales())
                .set(1, groups.count())
                .set(2, parts.pairs())
                .set(3, parts.steps())
                .set(4, parts.offsets());
        scaleLevel.kernel().launch(LaunchShape.covering(parts.pairs(), BLOCK), scaleLevel, stream);
        zeroLevel.set(0, groups.zeros()).set(1, groups.count()).set(2, parts.zeroPair());
        zeroLevel.kernel().launch(LaunchShape.of(1, RANGE_BLOCK), zeroLevel, stream);
    }

    @Override
    public void close() {
        holdings.close();
    }
}
