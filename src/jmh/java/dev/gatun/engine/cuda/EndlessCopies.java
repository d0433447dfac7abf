package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.PinnedBuffer;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Copies of page-locked memory to the first GPU that never pause, put in by a thread of their own, which is always at work: so
 * it takes a processor, as the one does that feeds the GPU in the engine. Closing ends them and frees the memory.
 */
public final class EndlessCopies implements AutoCloseable {
    /** So long that the link rests little between two, so short that few bytes are counted with what comes after them. */
    private static final long COPY = 2L << 20;

    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
    private final Future<?> work;
    private volatile boolean isEnding;
    private volatile long bytes;

    /**
     * Starts copying.
     *
     * @param sourceBytes of host memory that are copied over and over, in the order in which they lie; at least 2 MiB
     */
    public EndlessCopies(long sourceBytes) {
        work = thread.submit(() -> copy(sourceBytes / COPY));
    }

    private void copy(long count) {
        CudaDevice device = CudaDevice.open(0);
        try (CudaStream stream = CudaStream.open(device);
                PinnedBuffer host = PinnedBuffer.register(device, count * COPY);
                DeviceBuffer target = DeviceBuffer.allocate(device, COPY)) {
            // Pages that nobody wrote to share one page of zeros, which lies in the cache.
            host.segment().fill((byte) 1);
            Turns turns = new Turns(count);
            Runnable next = () -> target.copyFrom(0, host, turns.next() * COPY, COPY, stream);
            try (CopyTrain train = new CopyTrain(next, () -> new EventMark(stream))) {
                while (!isEnding) {
                    train.look();
                    bytes = train.ended() * COPY;
                    Thread.onSpinWait();
                }
            } finally {
                stream.synchronize();
            }
        }
    }

    /** Numbers below a count, in turn. */
    private static final class Turns {
        private final long count;
        private long next;

        Turns(long count) {
            this.count = count;
        }

        long next() {
            return next++ % count;
        }
    }

    /**
     * Bytes whose copies have ended so far.
     *
     * @throws IllegalStateException if copying has failed
     */
    public long bytes() {
        if (work.isDone()) {
            throw new IllegalStateException("nothing is copied any more", work.exceptionNow());
        }
        return bytes;
    }

    /** Waits until the first copies have ended: before that memory is made and filled. */
    public void awaitFirst() {
        while (bytes() == 0) {
            Thread.onSpinWait();
        }
    }

    @Override
    public void close() {
        isEnding = true;
        thread.close();
    }
}
