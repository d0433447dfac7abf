package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import dev.gatun.natives.NativeLibraries;
import dev.gatun.natives.NativeLibraryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** The CUDA runtime library, loaded and of the version that the bindings were made for. Asked before any binding. */
final class LinkedRuntime {
    static final String FILE = "libcudart.so.13";

    private static final int VERSIONS_PER_MAJOR = 1000;

    private LinkedRuntime() {}

    /**
     * Loads the library unless that was done, and checks its version.
     *
     * @throws NativeLibraryException if it cannot be loaded, or is not the library that the bindings were made for
     */
    static void require() {
        Path library = NativeLibraries.load(FILE);
        requireVersion(library, version(library));
    }

    static void requireVersion(Path library, int found) {
        if (found / VERSIONS_PER_MAJOR != CudaRuntime.CUDART_VERSION() / VERSIONS_PER_MAJOR) {
            throw new NativeLibraryException("`" + library + "` is CUDA runtime " + found + ", this program needs "
                    + CudaRuntime.CUDART_VERSION() + ": build it again with `make`, or leave out -D"
                    + NativeLibraries.FOLDER_PROPERTY);
        }
    }

    private static int version(Path library) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment version = arena.allocate(ValueLayout.JAVA_INT);
            CudaException.check(CudaRuntime.cudaRuntimeGetVersion(version), "reading the CUDA runtime's version");
            return version.get(ValueLayout.JAVA_INT, 0);
        } catch (LinkageError e) {
            throw new NativeLibraryException(
                    "`" + library + "` is not NVIDIA's CUDA runtime: it has no cudaRuntimeGetVersion", e);
        }
    }
}
