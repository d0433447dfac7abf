package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A queue of work on a device: copies and kernels run in the order in which they were put in. Streams run side by side,
 * ordered by events alone: they are non-blocking, so CUDA's default stream does not hold them up.
 *
 * <p>Whoever opens a stream closes it, which waits for its work. Any thread may use it. While a stream is captured into a
 * {@link CudaGraph}, calls that wait for it throw {@link IllegalStateException}.
 */
public final class CudaStream implements AutoCloseable {
    private final CudaDevice device;
    private final int priority;
    private final MemorySegment handle;
    private final Lifetime lifetime = new Lifetime("the stream");
    private final ReentrantLock closing = new ReentrantLock();
    private volatile Capture capture;

    private CudaStream(CudaDevice device, int priority, MemorySegment handle) {
        this.device = device;
        this.priority = priority;
        this.handle = handle;
    }

    /** Opens a stream of the lowest priority; see {@link #open(CudaDevice, int)}. */
    public static CudaStream open(CudaDevice device) {
        return open(device, device.streamPriorities().lowest());
    }

    /**
     * Opens a stream.
     *
     * @param priority one of {@link CudaDevice#streamPriorities}
     * @throws IllegalArgumentException if the device has no such priority
     * @throws CudaException if CUDA cannot be started on the device
     */
    public static CudaStream open(CudaDevice device, int priority) {
        device.streamPriorities().require(priority);
        device.makeCurrent();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stream = arena.allocate(ValueLayout.ADDRESS);
            CudaException.check(
                    CudaRuntime.cudaStreamCreateWithPriority(stream, CudaRuntime.cudaStreamNonBlocking(), priority),
                    "opening a stream on " + device);
            return new CudaStream(device, priority, stream.get(ValueLayout.ADDRESS, 0));
        }
    }

    /** The device it works on. */
    public CudaDevice device() {
        return device;
    }

    /** Its priority: a smaller number is more urgent. */
    public int priority() {
        return priority;
    }

    /** Whether it was not closed. */
    public boolean isOpen() {
        return lifetime.isOpen();
    }

    /**
     * Waits for all work put in so far.
     *
     * @throws CudaException if some of it failed
     */
    public void synchronize() {
        lifetime.enter();
        try {
            synchronizeEntered("waiting for a stream");
        } finally {
            lifetime.exit();
        }
    }

    /** Waits, on behalf of a call in progress. */
    void synchronizeEntered(String operation) {
        requireNotCaptured();
        int code = CudaRuntime.cudaStreamSynchronize(handle);
        if (code != CudaRuntime.cudaSuccess()) {
            throw CudaException.of(code, operation);
        }
    }

    void requireNotCaptured() {
        if (capture != null) {
            throw new IllegalStateException("the stream is captured into a graph: nothing can wait for it");
        }
    }

    /**
     * Whether all work put in so far is done.
     *
     * @throws CudaException if some of it failed
     */
    public boolean isIdle() {
        lifetime.enter();
        try {
            requireNotCaptured();
            return Progress.isDone(CudaRuntime.cudaStreamQuery(handle), "asking whether a stream is idle");
        } finally {
            lifetime.exit();
        }
    }

    /**
     * Lets the event happen when all work put in so far is done. Nothing is allocated.
     *
     * @param event an event of the same device
     */
    public void record(CudaEvent event) {
        Check.sameDevice("the event", event.device(), device);
        lifetime.enter();
        try {
            event.record(this);
        } finally {
            lifetime.exit();
        }
    }

    /**
     * Holds back the work put in from now on until the event happens, as it was recorded last; the caller does not wait.
     * An event that was never recorded holds nothing back. Nothing is allocated.
     *
     * <p>A stream that waits for an event of a stream being captured is captured as well.
     *
     * @throws IllegalStateException if the event was recorded in a capture that has ended, or if this stream is captured
     *     and the event was recorded outside of the capture
     */
    public void waitFor(CudaEvent event) {
        lifetime.enter();
        try {
            event.holdBack(this);
        } finally {
            lifetime.exit();
        }
    }

    /** CUDA's handle, for calls between {@link #enter} and {@link #exit}. */
    MemorySegment handle() {
        return handle;
    }

    void enter() {
        lifetime.enter();
    }

    void exit() {
        lifetime.exit();
    }

    /** Begins a call, unless the stream is closed or being captured. */
    boolean tryEnterUncaptured() {
        if (!lifetime.tryEnter()) {
            return false;
        }
        if (capture != null) {
            lifetime.exit();
            return false;
        }
        return true;
    }

    /** The capture that the stream takes part in, or null. */
    Capture capture() {
        return capture;
    }

    void capture(Capture next) {
        capture = next;
    }

    /** Waits for work that uses a resource about to be freed. What is captured does not run, so there is none. */
    void awaitWork() {
        if (lifetime.tryEnter()) {
            try {
                if (capture == null) {
                    synchronizeEntered("waiting for a stream");
                }
            } finally {
                lifetime.exit();
            }
        } else {
            awaitClose();
        }
    }

    private void awaitClose() {
        closing.lock();
        try {
            assert !lifetime.isOpen() : "whoever holds the lock ended the life before";
        } finally {
            closing.unlock();
        }
    }

    /**
     * Waits for the stream's work and closes it. Calling it again does nothing.
     *
     * @throws IllegalStateException if the stream is being captured
     * @throws CudaException if some of the work failed; the stream is closed nevertheless
     */
    @Override
    public void close() {
        requireNotCaptured();
        closing.lock();
        try {
            if (lifetime.end()) {
                int work = CudaRuntime.cudaStreamSynchronize(handle);
                int code = CudaRuntime.cudaStreamDestroy(handle);
                CudaException.check(work, "waiting for a stream that is closed");
                CudaException.check(code, "closing a stream");
            }
        } finally {
            closing.unlock();
        }
    }

    @Override
    public String toString() {
        return "stream of priority " + priority + " on " + device;
    }
}
