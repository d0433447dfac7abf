package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A point in a stream's work that other streams and the host can wait for, and that time can be taken between. It is
 * recorded again and again; what waits goes by the last record before the waiting.
 *
 * <p>Whoever opens an event closes it. Closing does not wait: streams that wait for it still do.
 */
public final class CudaEvent implements AutoCloseable {
    private final CudaDevice device;
    private final boolean isTiming;
    private final MemorySegment handle;
    private final Lifetime lifetime = new Lifetime("the event");
    private volatile boolean wasRecorded;
    private volatile Capture capture;

    private CudaEvent(CudaDevice device, boolean isTiming, MemorySegment handle) {
        this.device = device;
        this.isTiming = isTiming;
        this.handle = handle;
    }

    /** Opens an event for ordering work, without a time. */
    public static CudaEvent open(CudaDevice device) {
        return open(device, false);
    }

    /** Opens an event that also takes the time when it happens, which costs the device a little more. */
    public static CudaEvent openTiming(CudaDevice device) {
        return open(device, true);
    }

    private static CudaEvent open(CudaDevice device, boolean isTiming) {
        device.makeCurrent();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(ValueLayout.ADDRESS);
            int flags = isTiming ? CudaRuntime.cudaEventDefault() : CudaRuntime.cudaEventDisableTiming();
            CudaException.check(CudaRuntime.cudaEventCreateWithFlags(event, flags), "opening an event on " + device);
            return new CudaEvent(device, isTiming, event.get(ValueLayout.ADDRESS, 0));
        }
    }

    /** The device whose streams can record it. */
    public CudaDevice device() {
        return device;
    }

    /** Whether it takes the time. */
    public boolean isTiming() {
        return isTiming;
    }

    /** Records it; the stream was entered before. */
    void record(CudaStream stream) {
        lifetime.enter();
        try {
            int code = CudaRuntime.cudaEventRecord(handle, stream.handle());
            if (code != CudaRuntime.cudaSuccess()) {
                throw CudaException.of(code, "recording an event");
            }
            capture = stream.capture();
            wasRecorded = true;
        } finally {
            lifetime.exit();
        }
    }

    /** Makes the stream wait; it was entered before. */
    void holdBack(CudaStream stream) {
        lifetime.enter();
        try {
            requireSameCapture(stream);
            int code = CudaRuntime.cudaStreamWaitEvent(stream.handle(), handle, 0);
            if (code != CudaRuntime.cudaSuccess()) {
                throw CudaException.of(code, "letting a stream wait for an event");
            }
            if (capture != stream.capture()) {
                capture.join(stream);
            }
        } finally {
            lifetime.exit();
        }
    }

    private void requireSameCapture(CudaStream stream) {
        Capture mine = capture;
        Capture theirs = stream.capture();
        if (mine == theirs) {
            return;
        }
        if (theirs != null) {
            throw new IllegalStateException(
                    "the stream is captured into a graph, the event was recorded outside of it: record it in the capture");
        }
        if (mine.isEnded()) {
            throw new IllegalStateException(
                    "the event was recorded while a graph was captured, so it never happens: record it again");
        }
        // From here on nobody can wait for the stream, so nothing may be in flight there.
        stream.synchronizeEntered("waiting for a stream before its capture");
    }

    /**
     * Waits until the event has happened, as it was recorded last.
     *
     * @throws IllegalStateException if it was not recorded, or in a capture
     * @throws CudaException if work before it failed
     */
    public void synchronize() {
        lifetime.enter();
        try {
            requireHappening();
            int code = CudaRuntime.cudaEventSynchronize(handle);
            if (code != CudaRuntime.cudaSuccess()) {
                throw CudaException.of(code, "waiting for an event");
            }
        } finally {
            lifetime.exit();
        }
    }

    /**
     * Whether the event has happened, as it was recorded last.
     *
     * @throws IllegalStateException if it was not recorded, or in a capture
     * @throws CudaException if work before it failed
     */
    public boolean hasHappened() {
        lifetime.enter();
        try {
            requireHappening();
            return Progress.isDone(CudaRuntime.cudaEventQuery(handle), "asking whether an event has happened");
        } finally {
            lifetime.exit();
        }
    }

    private void requireHappening() {
        if (!wasRecorded) {
            throw new IllegalStateException("the event was never recorded");
        }
        if (capture != null) {
            throw new IllegalStateException("the event was recorded while a graph was captured, so it never happens");
        }
    }

    /**
     * Milliseconds on the device from another event to this one, to about half a microsecond.
     *
     * @param start a timing event of the same device, as this one
     * @throws IllegalArgumentException if one of them takes no time, or they belong to two devices
     * @throws IllegalStateException if one of them was not recorded, or has not happened yet
     */
    public double millisecondsSince(CudaEvent start) {
        if (!isTiming || !start.isTiming) {
            throw new IllegalArgumentException("the event takes no time: open it with openTiming");
        }
        if (!device.equals(start.device)) {
            throw new IllegalArgumentException("the events are of " + start.device + " and " + device);
        }
        if (!start.hasHappened() || !hasHappened()) {
            throw new IllegalStateException("the event has not happened yet: synchronize first");
        }
        lifetime.enter();
        try {
            return start.millisecondsUntil(handle);
        } finally {
            lifetime.exit();
        }
    }

    private float millisecondsUntil(MemorySegment end) {
        lifetime.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment milliseconds = arena.allocate(ValueLayout.JAVA_FLOAT);
            CudaException.check(
                    CudaRuntime.cudaEventElapsedTime(milliseconds, handle, end), "taking the time between two events");
            return milliseconds.get(ValueLayout.JAVA_FLOAT, 0);
        } finally {
            lifetime.exit();
        }
    }

    /** Closes the event. Calling it again does nothing. */
    @Override
    public void close() {
        if (lifetime.end()) {
            CudaException.check(CudaRuntime.cudaEventDestroy(handle), "closing an event");
        }
    }

    @Override
    public String toString() {
        return (isTiming ? "timing event on " : "event on ") + device;
    }
}
