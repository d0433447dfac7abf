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

/**
 * From fits to matrices with 8-bit scales: {@code gatun_level_hqq_*} and {@code gatun_choose_hqq}, or as the original HQQ library
 * does it {@code gatun_level_original_*} and {@code gatun_choose_original}.
 */
final class HqqEncoding implements AutoCloseable {
    private static final int RANGE_BLOCK = 1024;
    private static final int LINE_BYTES = 2 * Float.BYTES;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final Transfer transfer;
    private final KernelArguments scaleLevel;
    private final KernelArguments zeroLevel;
    private final CodeKernel choose;
    private final KernelArguments originalScaleLevel;
    private final KernelArguments originalZeroLevel;
    private final CodeKernel chooseAsOriginal;
    private final GrowingMemory lines;
    private final GrowingMemory zeroLine;
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
        this.originalScaleLevel = kernels.find("quantize_choose", "gatun_level_original_scales");
        this.originalZeroLevel = kernels.find("quantize_choose", "gatun_level_original_zeros");
        this.chooseAsOriginal = holdings.remember(new CodeKernel(kernels, "gatun_choose_original", stream));
        this.lines = holdings.remember(new GrowingMemory(kernels.device()));
        this.zeroLine = holdings.remember(new GrowingMemory(kernels.device()));
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
                    .set(13, steps)
                    .set(14, offsets)
                    .set(15, zeroPair)
                    .set(16, pairs)
                    .set(17, scaleCodes)
                    .set(18, zeroCodes);
        }
    }

    /** Waits until the matrix is there, allocated in the arena. */
    HqqMatrix encode(DeviceGroups groups, HqqScheme scheme, CodeSearch search, Arena arena) {
        Parts parts = parts(groups, groups.count() / scheme.scaleGroup());
        launch(scaleLevel, zeroLevel, groups, parts);
        DeviceMemory codes = choose.launch(groups, scheme, search, parts::set);
        return matrix(groups, scheme, parts, codes, arena);
    }

    /** The same as the original library does it. */
    HqqMatrix encodeAsOriginal(DeviceGroups groups, HqqScheme scheme, Arena arena) {
        Parts parts = parts(groups, groups.count() / scheme.scaleGroup());
        DeviceMemory scaleLines = lines.of((long) parts.pairs() * LINE_BYTES);
        DeviceMemory lineOfZeros = zeroLine.of(LINE_BYTES);
        launch(originalScaleLevel.set(5, scaleLines), originalZeroLevel.set(3, lineOfZeros), groups, parts);
        DeviceMemory codes = chooseAsOriginal.launch(
                groups,
                scheme,
                arguments -> arguments
                        .set(10, scaleLines)
                        .set(11, lineOfZeros)
                        .set(12, parts.pairs())
                        .set(13, parts.scaleCodes())
                        .set(14, parts.zeroCodes()));
        return matrix(groups, scheme, parts, codes, arena);
    }

    private HqqMatrix matrix(DeviceGroups groups, HqqScheme scheme, Parts parts, DeviceMemory codes, Arena arena) {
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

    /** Launches what fits the second level: the first arguments are those of both ways. */
    private void launch(KernelArguments ofScales, KernelArguments ofZeros, DeviceGroups groups, Parts parts) {
        ofScales.set(0, groups.scales())
                .set(1, groups.count())
                .set(2, parts.pairs())
                .set(3, parts.steps())
                .set(4, parts.offsets());
        ofScales.kernel().launch(LaunchShape.covering(parts.pairs(), DeviceGroups.BLOCK), ofScales, stream);
        ofZeros.set(0, groups.zeros()).set(1, groups.count()).set(2, parts.zeroPair());
        ofZeros.kernel().launch(LaunchShape.of(1, RANGE_BLOCK), ofZeros, stream);
    }

    @Override
    public void close() {
        holdings.close();
    }
}
