package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Work of a stream, recorded once and launched as a whole. It holds the kernels' arguments as they were when it was
 * recorded, and it keeps the memory and modules that it uses from being closed.
 *
 * <p>Whoever captures a graph closes it, which waits for its launches. Any thread may launch it; launches of one graph run
 * one after the other.
 */
public final class CudaGraph implements AutoCloseable {
    /** Of {@code cudaGraphExecUpdateResultInfo}: an enumeration and two pointers. */
    private static final long UPDATE_RESULT_BYTES = 24;

    private final CudaDevice device;
    private final MemorySegment executable;
    private final Resource resource = new Resource("the graph");
    private final ReentrantLock turn = new ReentrantLock();
    private Capture capture;

    private CudaGraph(CudaDevice device, MemorySegment executable, Capture capture) {
        this.device = device;
        this.executable = executable;
        this.capture = capture;
    }

    /** Work recorded, not yet executable. */
    private record Recorded(MemorySegment graph, Capture capture) {}

    /**
     * Records what {@code work} puts into a stream. None of it runs now. Other streams take part that wait for an event
     * which the work records; the stream must wait for them again at the end. The stream is waited for first.
     *
     * @param work puts launches, copies, fills and events into the stream, and waits for nothing; what it throws is passed
     *     on
     * @throws IllegalStateException if the stream is closed or being captured
     * @throws CudaException if the work cannot be a graph
     */
    public static CudaGraph capture(CudaStream stream, Runnable work) {
        Recorded recorded = record(stream, work);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment executable = arena.allocate(ValueLayout.ADDRESS);
            stream.device().makeCurrent();
            CudaException.check(
                    CudaRuntime.cudaGraphInstantiate(executable, recorded.graph(), 0), "making a graph executable");
            return new CudaGraph(stream.device(), executable.get(ValueLayout.ADDRESS, 0), recorded.capture());
        } catch (RuntimeException | Error e) {
            recorded.capture().release(new StreamUses());
            throw e;
        } finally {
            CudaRuntime.cudaGraphDestroy(recorded.graph());
        }
    }

    private static Recorded record(CudaStream stream, Runnable work) {
        Capture capture = begin(stream);
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            abandon(stream, capture, e);
            throw e;
        }
        return new Recorded(end(stream, capture), capture);
    }

    private static Capture begin(CudaStream stream) {
        stream.enter();
        try {
            // From here on nobody can wait for the stream, so nothing may be in flight there.
            stream.synchronizeEntered("waiting for a stream before its capture");
            Capture capture = new Capture();
            // Relaxed: calls that other modes forbid, to all threads, are refused by this package where they matter.
            CudaException.check(
                    CudaRuntime.cudaStreamBeginCapture(stream.handle(), CudaRuntime.cudaStreamCaptureModeRelaxed()),
                    "beginning the capture of a graph");
            capture.join(stream);
            return capture;
        } finally {
            stream.exit();
        }
    }

    private static MemorySegment end(CudaStream stream, Capture capture) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment graph = arena.allocate(ValueLayout.ADDRESS);
            int code = CudaRuntime.cudaStreamEndCapture(stream.handle(), graph);
            capture.end();
            if (code != CudaRuntime.cudaSuccess()) {
                capture.release(new StreamUses());
                throw CudaException.of(code, "ending the capture of a graph");
            }
            return graph.get(ValueLayout.ADDRESS, 0);
        }
    }

    private static void abandon(CudaStream stream, Capture capture, Throwable reason) {
        try {
            CudaRuntime.cudaGraphDestroy(end(stream, capture));
            capture.release(new StreamUses());
        } catch (CudaException e) {
            reason.addSuppressed(e);
        }
    }

    /**
     * Records other work and launches that from now on; launches in flight stay as they were. Cheaper than a new graph.
     *
     * @param work as in {@link #capture}: the same calls in the same order, with other arguments, memory or grids
     * @throws CudaException if the work has another form; the graph is then as it was
     */
    public void update(CudaStream stream, Runnable work) {
        Check.sameDevice("the graph", device, stream.device());
        resource.lifetime().enter();
        turn.lock();
        try {
            Recorded recorded = record(stream, work);
            try {
                replace(recorded);
            } finally {
                CudaRuntime.cudaGraphDestroy(recorded.graph());
            }
        } finally {
            turn.unlock();
            resource.lifetime().exit();
        }
    }

    private void replace(Recorded recorded) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(UPDATE_RESULT_BYTES, Long.BYTES);
            int code = CudaRuntime.cudaGraphExecUpdate(executable, recorded.graph(), result);
            if (code != CudaRuntime.cudaSuccess()) {
                recorded.capture().release(new StreamUses());
                throw CudaException.of(
                        code, "updating a graph", "work of another form needs a new graph: capture it instead");
            }
            capture.release(resource.uses());
            capture = recorded.capture();
        }
    }

    /**
     * Puts the work into a stream. Nothing is allocated.
     *
     * @param stream of the device on which the graph was captured; not one being captured
     * @throws CudaException if the work cannot be launched, or earlier work failed
     */
    public void launch(CudaStream stream) {
        run(stream, true);
    }

    /** Puts the graph onto the device, in the stream's order, so that the first launch is no slower than the others. */
    public void upload(CudaStream stream) {
        run(stream, false);
    }

    private void run(CudaStream stream, boolean isLaunched) {
        Check.sameDevice("the graph", device, stream.device());
        stream.enter();
        try {
            stream.requireNotCaptured();
            resource.enter(stream);
            turn.lock();
            try {
                device.makeCurrent();
                int code = isLaunched
                        ? CudaRuntime.cudaGraphLaunch(executable, stream.handle())
                        : CudaRuntime.cudaGraphUpload(executable, stream.handle());
                if (code != CudaRuntime.cudaSuccess()) {
                    throw CudaException.of(code, isLaunched ? "launch of a graph" : "upload of a graph");
                }
            } finally {
                turn.unlock();
                resource.exit();
            }
        } finally {
            stream.exit();
        }
    }

    /** The device it was captured on. */
    public CudaDevice device() {
        return device;
    }

    /** Whether it was not closed. */
    public boolean isOpen() {
        return resource.lifetime().isOpen();
    }

    /**
     * Waits for the launches in flight, frees the graph, and lets go of the memory and modules it used. Calling it again
     * does nothing.
     *
     * @throws CudaException if a launch failed; the graph is closed nevertheless
     */
    @Override
    public void close() {
        if (!resource.lifetime().end()) {
            return;
        }
        try {
            resource.uses().awaitAll();
        } finally {
            int code = CudaRuntime.cudaGraphExecDestroy(executable);
            capture.release(new StreamUses());
            CudaException.check(code, "closing a graph");
        }
    }

    @Override
    public String toString() {
        return "graph on " + device;
    }
}
