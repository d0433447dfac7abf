package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * Compiled kernels on a device: a fatbin, a cubin, or PTX, which the driver compiles.
 *
 * <p>Whoever loads a module closes it, and its kernels with it. Closing waits for the launches in flight; it throws
 * {@link IllegalStateException} while an open graph has one of the kernels.
 */
public final class CudaModule implements AutoCloseable {
    // Of the enumeration cudaJitOption.
    private static final int JIT_ERROR_LOG = 5;
    private static final int JIT_ERROR_LOG_SIZE = 6;
    private static final int LOG_BYTES = 8192;

    private final CudaDevice device;
    // The driver may compile PTX later than at the load and write to the log then: it lives as long as the module.
    private final Arena arena = Arena.ofShared();
    private final MemorySegment log;
    private final MemorySegment library;
    private final Resource resource = new Resource("the module");

    private CudaModule(CudaDevice device, byte[] image) {
        this.device = device;
        try {
            log = arena.allocate(LOG_BYTES);
            library = load(terminated(image, arena), log, arena);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Loads kernels. The driver may read the code as late as in {@link #kernel}, and then finds errors there.
     *
     * @param image a fatbin or cubin as nvcc writes it, or PTX in UTF-8
     * @throws CudaException if there is no code for the device in it, or the PTX has errors, which the message quotes
     */
    public static CudaModule load(CudaDevice device, byte[] image) {
        Check.positive("the bytes of a module", image.length);
        device.makeCurrent();
        return new CudaModule(device, image);
    }

    /** PTX ends in a zero; the other formats know their length. */
    private static MemorySegment terminated(byte[] image, Arena arena) {
        MemorySegment copy = arena.allocate(image.length + 1L, Long.BYTES);
        MemorySegment.copy(image, 0, copy, ValueLayout.JAVA_BYTE, 0, image.length);
        return copy;
    }

    private static MemorySegment load(MemorySegment image, MemorySegment log, Arena arena) {
        MemorySegment library = arena.allocate(ValueLayout.ADDRESS);
        MemorySegment options = arena.allocateFrom(ValueLayout.JAVA_INT, JIT_ERROR_LOG, JIT_ERROR_LOG_SIZE);
        MemorySegment values = arena.allocateFrom(ValueLayout.JAVA_LONG, log.address(), log.byteSize());
        int code = CudaRuntime.cudaLibraryLoadData(
                library, image, options, values, 2, MemorySegment.NULL, MemorySegment.NULL, 0);
        requireLoaded(code, "loading a module of " + (image.byteSize() - 1) + " bytes", log);
        return library.get(ValueLayout.ADDRESS, 0);
    }

    private static void requireLoaded(int code, String operation, MemorySegment log) {
        if (code != CudaRuntime.cudaSuccess()) {
            throw CudaException.of(code, operation, firstLine(log));
        }
    }

    private static String firstLine(MemorySegment log) {
        return log.getString(0, StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.isBlank())
                .findFirst()
                .orElse("")
                .strip();
    }

    /**
     * Finds a kernel and puts its code onto the device, so that the first launch is no slower than the others.
     *
     * @param name as in the code: that of an {@code extern "C"} function, or a mangled one
     * @throws IllegalStateException if the module is closed
     * @throws CudaException if there is no such kernel, or it cannot run on the device
     */
    public CudaKernel kernel(String name) {
        Objects.requireNonNull(name, "name");
        resource.lifetime().enter();
        try (Arena temporary = Arena.ofConfined()) {
            device.makeCurrent();
            MemorySegment kernel = temporary.allocate(ValueLayout.ADDRESS);
            int code = CudaRuntime.cudaLibraryGetKernel(kernel, library, temporary.allocateFrom(name));
            requireLoaded(code, "finding kernel `" + name + "` in a module", log);
            return CudaKernel.of(this, name, kernel.get(ValueLayout.ADDRESS, 0));
        } finally {
            resource.lifetime().exit();
        }
    }

    /** The device it was loaded for. */
    public CudaDevice device() {
        return device;
    }

    /** Whether it was not closed. */
    public boolean isOpen() {
        return resource.lifetime().isOpen();
    }

    Resource resource() {
        return resource;
    }

    /**
     * Waits for the launches in flight and unloads the kernels. Calling it again does nothing.
     *
     * @throws IllegalStateException if an open graph has one of the kernels
     * @throws CudaException if a launch failed; the module is closed nevertheless
     */
    @Override
    public void close() {
        if (!resource.lifetime().end()) {
            return;
        }
        try {
            resource.uses().awaitAll();
        } finally {
            int code = CudaRuntime.cudaLibraryUnload(library);
            arena.close();
            CudaException.check(code, "unloading a module");
        }
    }

    @Override
    public String toString() {
        return "module on " + device;
    }
}
