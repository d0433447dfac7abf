package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.PinnedBuffer;
import java.util.PrimitiveIterator;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;

/**
 * Copies of page-locked memory to the first GPU, one behind the other, put in by a thread of their own. It never sleeps, so it
 * takes a processor. Closing ends them and frees the memory.
 */
public final class EndlessCopies implements AutoCloseable {
    /** So long that what lies between two costs little, so short that few bytes are counted with what comes after them. */
    private static final long COPY = 8L << 20;

    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
    private final Future<?> work;
    private volatile boolean isEnding;
    private volatile long bytes;

    private EndlessCopies(long sourceBytes) {
        work = thread.submit(() -> copy(sourceBytes));
    }

    /**
     * Starts copying, and returns when the first copies have ended.
     *
     * @param sourceBytes of host memory that are copied over and over, in the order in which they lie; a multiple of 8 MiB
     * @throws IllegalStateException if copying fails
     */
    public static EndlessCopies start(long sourceBytes) {
        EndlessCopies copies = new EndlessCopies(sourceBytes);
        try {
            while (copies.bytes() == 0) {
                Thread.onSpinWait();
            }
            return copies;
        } catch (IllegalStateException failure) {
            copies.thread.close();
            throw failure;
        }
    }

    private void copy(long sourceBytes) {
        CudaDevice device = CudaDevice.open(0);
        try (CudaStream stream = CudaStream.open(device);
                PinnedBuffer host = PinnedBuffer.register(device, sourceBytes);
                DeviceBuffer target = DeviceBuffer.allocate(device, COPY)) {
            PrimitiveIterator.OfLong from =
                    LongStream.iterate(0, at -> (at + COPY) % sourceBytes).iterator();
            Runnable next = () -> target.copyFrom(0, host, from.nextLong(), COPY, stream);
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

    /**
     * Bytes whose copies have ended so far.
     *
     * @throws IllegalStateException if copying has failed
     */
    public long bytes() {
        requireNoFailure();
        return bytes;
    }

    private void requireNoFailure() {
        if (work.state() == Future.State.FAILED) {
            throw new IllegalStateException("copies to the GPU failed", work.exceptionNow());
        }
    }

    /**
     * Waits until the copies that were put in have ended.
     *
     * @throws IllegalStateException if copying has failed
     */
    @Override
    public void close() {
        isEnding = true;
        thread.close();
        requireNoFailure();
    }
}
