package dev.gatun.engine.cuda;

import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** What a stream of a device does: one piece of work after the other, each of them late. */
final class LateStream implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 20;

    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final AtomicInteger inWork = new AtomicInteger();
    private final LateSteps steps;

    LateStream(SplittableRandom random) {
        this.steps = new LateSteps(random);
    }

    /** Of the stream's thread alone. */
    LateSteps steps() {
        return steps;
    }

    void put(Runnable work) {
        inWork.incrementAndGet();
        thread.execute(() -> {
            try {
                steps.pause();
                work.run();
            } finally {
                inWork.decrementAndGet();
            }
        });
    }

    boolean isIdle() {
        return inWork.get() == 0;
    }

    /** Waits until all that was put in has run. */
    void drain() {
        try {
            thread.submit(() -> {}).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException stuck) {
            throw new AssertionError("the stream ends", stuck);
        }
    }

    @Override
    public void close() {
        thread.close();
    }
}
