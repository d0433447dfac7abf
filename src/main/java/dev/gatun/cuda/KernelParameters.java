package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/** Asks the driver how many bytes each parameter of a kernel takes, so that a launch reads nothing else. */
final class KernelParameters {
    private static final MethodHandle PARAMETER_INFO = Linker.nativeLinker()
            .downcallHandle(
                    SymbolLookup.loaderLookup().findOrThrow("cudaFuncGetParamInfo"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT,
                            ValueLayout.ADDRESS,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.ADDRESS,
                            ValueLayout.ADDRESS));

    private KernelParameters() {}

    /** Bytes of each parameter, in order. */
    static List<Long> sizes(MemorySegment kernel, String name) {
        List<Long> sizes = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment offset = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
            int code = info(kernel, 0, offset, size);
            while (code == CudaRuntime.cudaSuccess()) {
                sizes.add(size.get(ValueLayout.JAVA_LONG, 0));
                code = info(kernel, sizes.size(), offset, size);
            }
            // So it answers for the parameter after the last.
            if (code != CudaRuntime.cudaErrorInvalidValue()) {
                throw CudaException.of(code, "reading the parameters of kernel `" + name + "`");
            }
            CudaRuntime.cudaGetLastError();
        }
        return List.copyOf(sizes);
    }

    private static int info(MemorySegment kernel, long index, MemorySegment offset, MemorySegment size) {
        try {
            return (int) PARAMETER_INFO.invokeExact(kernel, index, offset, size);
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a downcall throws nothing", e);
        }
    }
}
