package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;
import dev.gatun.natives.NativeLibraries;
import java.nio.file.Path;

/** The CPU library, loaded and of the version that the bindings were made for. Whoever calls a binding first asks here. */
final class LinkedLibrary {
    static final String FILE = "libgatun_cpu.so";

    private LinkedLibrary() {}

    /**
     * Loads the library unless that was done, and checks its version.
     *
     * @throws dev.gatun.natives.NativeLibraryException if it cannot be loaded
     * @throws CpuException if it is not the library that the bindings were made for
     */
    static void require() {
        Path library = NativeLibraries.load(FILE);
        requireAbi(library, abi(library));
    }

    static void requireAbi(Path library, int found) {
        if (found != CpuLibrary.GATUN_CPU_ABI()) {
            throw new CpuException("`" + library + "` is of another version of Gatun: its interface is number " + found
                    + ", this program needs " + CpuLibrary.GATUN_CPU_ABI()
                    + "; build it again with `make`, or leave out -D"
                    + NativeLibraries.FOLDER_PROPERTY);
        }
    }

    private static int abi(Path library) {
        try {
            return CpuLibrary.gatun_cpu_abi();
        } catch (LinkageError e) {
            throw new CpuException("`" + library + "` is not Gatun's CPU library: it has no gatun_cpu_abi", e);
        }
    }
}
