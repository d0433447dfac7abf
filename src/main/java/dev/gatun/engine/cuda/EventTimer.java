package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaStream;
import java.util.concurrent.TimeUnit;

/** Takes the time that work in a stream needs on the device. */
final class EventTimer implements AutoCloseable {
    private static final long NANOSECONDS = TimeUnit.MILLISECONDS.toNanos(200);

    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final CudaEvent start;
    private final CudaEvent end;

    EventTimer(CudaDevice device, CudaStream stream) {
        this.stream = stream;
        try {
            this.start = holdings.remember(CudaEvent.openTiming(device));
            this.end = holdings.remember(CudaEvent.openTiming(device));
        } catch (RuntimeException | Error failure) {
            holdings.closeAfter(failure);
            throw failure;
        }
    }

    /** Seconds on the device, from the beginning of what {@code work} puts into the stream to its end; waits for it. */
    double seconds(Runnable work) {
        stream.record(start);
        work.run();
        stream.record(end);
        end.synchronize();
        return end.millisecondsSince(start) / 1e3;
    }

    /** The least of the repetitions that 0.2 seconds have room for, after one that does not count. */
    double fastest(Runnable work) {
        work.run();
        long begin = System.nanoTime();
        double fastest = seconds(work);
        while (System.nanoTime() - begin < NANOSECONDS) {
            fastest = Math.min(fastest, seconds(work));
        }
        return fastest;
    }

    @Override
    public void close() {
        holdings.close();
    }
}
