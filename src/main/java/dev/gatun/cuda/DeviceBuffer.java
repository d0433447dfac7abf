package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Memory of a GPU. Its content is undefined at first.
 *
 * <p>Whoever allocates a buffer closes it. Closing waits for the work on it that was put into streams through this
 * package, kernels included; it throws {@link IllegalStateException} while an open graph uses the buffer.
 */
public final class DeviceBuffer extends DeviceMemory implements AutoCloseable {
    private final CudaDevice device;
    private final long base;
    private final Release release;
    private final Resource resource = new Resource("the device buffer");

    /** How the memory goes back once the buffer's life has ended. */
    @FunctionalInterface
    private interface Release {
        void free(DeviceBuffer buffer);
    }

    private DeviceBuffer(CudaDevice device, long base, long byteSize, Release release) {
        super(byteSize);
        this.device = device;
        this.base = base;
        this.release = release;
    }

    /**
     * Allocates memory for any stream to use at once, aligned to 256 bytes. Allocating and closing may wait for all work
     * on the device.
     *
     * @param bytes at least 1
     * @throws CudaException if so much is not free
     */
    public static DeviceBuffer allocate(CudaDevice device, long bytes) {
        Check.positive("the bytes of a device buffer", bytes);
        device.makeCurrent();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
            int code = CudaRuntime.cudaMalloc(pointer, bytes);
            requireAllocated(code, bytes, device);
            return new DeviceBuffer(device, pointer.get(ValueLayout.JAVA_LONG, 0), bytes, DeviceBuffer::freeNow);
        }
    }

    /**
     * Allocates memory in a stream's order, from the device's pool: work put into the stream from now on can use it. Other
     * streams wait for an event recorded after this call. Neither this nor closing waits for the stream: closing puts the
     * release into it, and waits for other streams that use the buffer.
     *
     * @param bytes at least 1
     * @throws IllegalStateException if the stream is closed, or captured into a graph
     * @throws CudaException if so much is not free, or the device has no memory pools
     */
    public static DeviceBuffer allocate(CudaStream stream, long bytes) {
        Check.positive("the bytes of a device buffer", bytes);
        stream.enter();
        try (Arena arena = Arena.ofConfined()) {
            requireNotCaptured(stream);
            MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
            int code = CudaRuntime.cudaMallocAsync(pointer, bytes, stream.handle());
            requireAllocated(code, bytes, stream.device());
            return new DeviceBuffer(
                    stream.device(),
                    pointer.get(ValueLayout.JAVA_LONG, 0),
                    bytes,
                    buffer -> buffer.freeInOrderOf(stream));
        } finally {
            stream.exit();
        }
    }

    private static void requireNotCaptured(CudaStream stream) {
        if (stream.capture() != null) {
            throw new IllegalStateException("the stream is captured into a graph: allocate before the capture");
        }
    }

    private static void requireAllocated(int code, long bytes, CudaDevice device) {
        if (code == CudaRuntime.cudaErrorMemoryAllocation()) {
            throw CudaException.of(
                    code,
                    "allocating " + bytes + " bytes on " + device,
                    device.freeMemory() + " bytes are free there: use less, or end other programs on this GPU");
        }
        CudaException.check(code, "allocating " + bytes + " bytes on " + device);
    }

    @Override
    DeviceBuffer buffer() {
        return this;
    }

    @Override
    long start() {
        return 0;
    }

    CudaDevice owner() {
        return device;
    }

    long base() {
        return base;
    }

    Resource resource() {
        return resource;
    }

    /**
     * Waits for the work that uses the memory, and frees it. Calling it again does nothing.
     *
     * @throws IllegalStateException if an open graph uses it
     * @throws CudaException if some of the work failed; the buffer is closed nevertheless
     */
    @Override
    public void close() {
        if (resource.lifetime().end()) {
            release.free(this);
        }
    }

    private void freeNow() {
        try {
            resource.uses().awaitAll();
        } finally {
            CudaException.check(CudaRuntime.cudaFree(MemorySegment.ofAddress(base)), "freeing " + this);
        }
    }

    private void freeInOrderOf(CudaStream stream) {
        if (!stream.tryEnterUncaptured()) {
            freeNow();
            return;
        }
        try {
            resource.uses().awaitAllBut(stream);
        } finally {
            int code = CudaRuntime.cudaFreeAsync(MemorySegment.ofAddress(base), stream.handle());
            stream.exit();
            CudaException.check(code, "freeing " + this);
        }
    }

    @Override
    public String toString() {
        return "a buffer of " + byteSize() + " bytes on " + device;
    }
}
