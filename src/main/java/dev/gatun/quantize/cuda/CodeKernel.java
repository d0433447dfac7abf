package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.engine.cuda.KernelLibrary;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.solver.CodeSearch;
import java.util.function.Consumer;

/** {@code gatun_choose_*} of {@code quantize_choose.cu}, and the codes that it packs. */
final class CodeKernel implements AutoCloseable {
    private final CudaStream stream;
    private final SizedKernel choose;
    private final GrowingMemory codes;

    CodeKernel(KernelLibrary kernels, String entry, CudaStream stream) {
        this.stream = stream;
        this.choose = new SizedKernel(kernels, "quantize_choose", entry);
        this.codes = new GrowingMemory(kernels.device());
    }

    /**
     * Chooses all codes, in the stream's order.
     *
     * @param level sets the arguments from number 13 on: the second level, and where codes of scales and zeros go
     * @return the packed codes of the weights, until the next launch
     */
    DeviceMemory launch(
            DeviceGroups groups, QuantizationScheme scheme, CodeSearch search, Consumer<KernelArguments> level) {
        return launch(groups, scheme, 10, arguments -> {
            arguments.set(7, search.scales()).set(8, search.zeros()).set(9, search.rounds());
            level.accept(arguments);
        });
    }

    /**
     * The same without a search.
     *
     * @param level sets the arguments from number 10 on
     */
    DeviceMemory launch(DeviceGroups groups, QuantizationScheme scheme, Consumer<KernelArguments> level) {
        return launch(groups, scheme, 7, level);
    }

    /** With scales, zeros and codes from this argument on, and what else there is. */
    private DeviceMemory launch(
            DeviceGroups groups, QuantizationScheme scheme, int scales, Consumer<KernelArguments> others) {
        DeviceMemory packed = codes.of((long) groups.count() * groups.groupSize() * scheme.bits() / 8);
        KernelArguments arguments = choose.of(groups)
                .set(6, scheme.bits())
                .set(scales, groups.scales())
                .set(scales + 1, groups.zeros())
                .set(scales + 2, packed);
        others.accept(arguments);
        groups.launch(arguments, stream);
        return packed;
    }

    @Override
    public void close() {
        codes.close();
    }
}
