package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Page-locked host memory: the only kind that streams copy from and to at the link's full speed while the host goes on.
 * Every device can copy it, and kernels can read and write it in place. All bytes are zero at first.
 *
 * <p>Whoever makes a buffer closes it. Closing waits for the copies and kernels that use it, and for native calls that
 * were given its segment; it throws {@link IllegalStateException} while an open graph uses the buffer.
 */
public final class PinnedBuffer implements AutoCloseable {
    private static final long PAUSE_NANOSECONDS = TimeUnit.MICROSECONDS.toNanos(20);

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final MemorySegment segment;
    private final long deviceAddress;
    private final Release release;
    private final Resource resource = new Resource("the pinned buffer");

    /** Gives page-locked memory back to CUDA. */
    @FunctionalInterface
    private interface Release {
        int code(MemorySegment memory);
    }

    private PinnedBuffer(MemorySegment memory, long deviceAddress, Release release) {
        this.memory = memory;
        this.segment = memory.reinterpret(arena, null);
        this.deviceAddress = deviceAddress;
        this.release = release;
    }

    /**
     * Has CUDA allocate page-locked memory, at about half a second per GiB.
     *
     * @param device where CUDA is started for it
     * @param bytes at least 1
     * @throws CudaException if the system locks no more memory; the message names the limit and what it costs
     */
    public static PinnedBuffer allocate(CudaDevice device, long bytes) {
        Check.positive("the bytes of a pinned buffer", bytes);
        device.makeCurrent();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
            int flags = CudaRuntime.cudaHostAllocPortable() | CudaRuntime.cudaHostAllocMapped();
            requireLocked(CudaRuntime.cudaHostAlloc(pointer, bytes, flags), bytes);
            MemorySegment memory = pointer.get(ValueLayout.ADDRESS, 0).reinterpret(bytes);
            memory.fill((byte) 0);
            return map(memory, CudaRuntime::cudaFreeHost);
        }
    }

    /**
     * Page-locks fresh memory of the system, on huge pages where those are to be had. For much memory it is several times
     * as fast as {@link #allocate}.
     *
     * @param device where CUDA is started for it
     * @param bytes at least 1
     * @throws CudaException if the system locks no more memory; the message names the limit and what it costs
     * @throws OutOfMemoryError if the system has no such room
     */
    public static PinnedBuffer register(CudaDevice device, long bytes) {
        Check.positive("the bytes of a pinned buffer", bytes);
        device.makeCurrent();
        MemorySegment memory = AnonymousMemory.map(bytes);
        try {
            int flags = CudaRuntime.cudaHostRegisterPortable() | CudaRuntime.cudaHostRegisterMapped();
            requireLocked(CudaRuntime.cudaHostRegister(memory, bytes, flags), bytes);
        } catch (CudaException e) {
            AnonymousMemory.unmap(memory);
            throw e;
        }
        return map(memory, PinnedBuffer::unregister);
    }

    private static int unregister(MemorySegment memory) {
        int code = CudaRuntime.cudaHostUnregister(memory);
        AnonymousMemory.unmap(memory);
        return code;
    }

    private static void requireLocked(int code, long bytes) {
        String operation = "page-locking " + bytes + " bytes of host memory";
        if (CudaException.isOutOfLockableMemory(code)) {
            throw CudaException.of(code, operation, LockedMemoryLimit.advice());
        }
        CudaException.check(code, operation);
    }

    private static PinnedBuffer map(MemorySegment memory, Release release) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
            int code = CudaRuntime.cudaHostGetDevicePointer(pointer, memory, 0);
            if (code != CudaRuntime.cudaSuccess()) {
                CudaException failure = CudaException.of(code, "mapping page-locked memory into the device");
                release.code(memory);
                throw failure;
            }
            return new PinnedBuffer(memory, pointer.get(ValueLayout.JAVA_LONG, 0), release);
        }
    }

    /** Bytes. */
    public long byteSize() {
        return segment.byteSize();
    }

    /** Whether it was not closed. */
    public boolean isOpen() {
        return resource.lifetime().isOpen();
    }

    /**
     * The memory itself, for any thread. It is alive until the buffer is closed; what a copy or kernel still works on is
     * the caller's to keep apart, with events.
     */
    public MemorySegment segment() {
        return segment;
    }

    Resource resource() {
        return resource;
    }

    MemorySegment at(long offset) {
        return MemorySegment.ofAddress(memory.address() + offset);
    }

    /** Where kernels find the first byte. */
    long deviceAddress() {
        return deviceAddress;
    }

    /**
     * Waits for the work that uses the memory, and frees it. Calling it again does nothing.
     *
     * @throws IllegalStateException if an open graph uses it
     * @throws CudaException if some of the work failed; the buffer is closed nevertheless
     */
    @Override
    public void close() {
        if (!resource.lifetime().end()) {
            return;
        }
        try {
            resource.uses().awaitAll();
        } finally {
            free();
        }
    }

    private void free() {
        // Out of Java's reach before it is gone.
        closeArena();
        CudaException.check(release.code(memory), "freeing page-locked memory");
    }

    /** An arena refuses to close while a native call works on its memory. */
    private void closeArena() {
        while (true) {
            try {
                arena.close();
                return;
            } catch (IllegalStateException busy) {
                LockSupport.parkNanos(this, PAUSE_NANOSECONDS);
            }
        }
    }

    @Override
    public String toString() {
        return "a pinned buffer of " + byteSize() + " bytes";
    }
}
