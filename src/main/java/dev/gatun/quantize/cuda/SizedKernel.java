package dev.gatun.quantize.cuda;

import dev.gatun.cuda.KernelArguments;
import dev.gatun.engine.cuda.KernelLibrary;

/** An entry point in its three forms: those for groups of 16 and of 64 rows keep them in registers, the third takes any. */
final class SizedKernel {
    private final KernelArguments sixteen;
    private final KernelArguments sixtyFour;
    private final KernelArguments any;

    SizedKernel(KernelLibrary kernels, String source, String entry) {
        this.sixteen = kernels.find(source, entry + "_16");
        this.sixtyFour = kernels.find(source, entry + "_64");
        this.any = kernels.find(source, entry + "_any");
    }

    /** The form for these groups, which the first arguments describe. */
    KernelArguments of(DeviceGroups groups) {
        return groups.describe(
                switch (groups.groupSize()) {
                    case 16 -> sixteen;
                    case 64 -> sixtyFour;
                    default -> any;
                });
    }
}
