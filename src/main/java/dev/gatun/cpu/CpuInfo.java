package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;

/**
 * What the CPU library sees of this machine.
 *
 * @param features the instruction sets found, separated by spaces: {@code avx2 fma f16c}
 * @param best the highest level that the library can use
 * @param processors processors that this process may run on
 */
public record CpuInfo(String features, CpuLevel best, int processors) {
    /**
     * Looks at this machine.
     *
     * @throws dev.gatun.natives.NativeLibraryException if the CPU library cannot be loaded
     */
    public static CpuInfo ofThisMachine() {
        LinkedLibrary.require();
        return new CpuInfo(
                CpuLibrary.gatun_cpu_features().getString(0),
                CpuLevel.best(),
                Runtime.getRuntime().availableProcessors());
    }
}
