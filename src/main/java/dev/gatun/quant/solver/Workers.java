package dev.gatun.quant.solver;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/**
 * Threads that share out numbered tasks. Which thread takes which task is decided while they run, so what a task computes
 * must depend on its number alone.
 *
 * <p>Whoever opens them closes them, which waits for the tasks in flight.
 */
public final class Workers implements AutoCloseable {
    private static final ThreadFactory THREADS =
            Thread.ofPlatform().daemon().name("gatun-quantize-", 0).factory();

    private final int threads;
    private final ExecutorService executor;

    private Workers(int threads) {
        this.threads = threads;
        this.executor = Executors.newFixedThreadPool(threads, THREADS);
    }

    /** Starts so many threads. */
    public static Workers open(int threads) {
        if (threads <= 0) {
            throw new IllegalArgumentException(threads + " threads: must be positive");
        }
        return new Workers(threads);
    }

    /** How many threads there are. */
    public int threads() {
        return threads;
    }

    /**
     * Runs the tasks 0 to {@code count} - 1 and returns when all are done. When one throws, those that have not begun are
     * left out, and what it threw is thrown here.
     */
    public void run(int count, IntConsumer task) {
        AtomicInteger next = new AtomicInteger();
        AtomicBoolean failed = new AtomicBoolean();
        Callable<Void> share = () -> {
            try {
                for (int i = next.getAndIncrement(); i < count && !failed.get(); i = next.getAndIncrement()) {
                    task.accept(i);
                }
                return null;
            } catch (RuntimeException | Error failure) {
                failed.set(true);
                throw failure;
            }
        };
        try {
            for (Future<Void> done : executor.invokeAll(shares(share, Math.min(threads, count)))) {
                done.get();
            }
        } catch (ExecutionException failure) {
            rethrow(failure.getCause());
        } catch (InterruptedException interrupted) {
            failed.set(true);
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while quantizing", interrupted);
        }
    }

    private static List<Callable<Void>> shares(Callable<Void> share, int count) {
        return Stream.generate(() -> share).limit(count).toList();
    }

    private static void rethrow(Throwable failure) {
        switch (failure) {
            case RuntimeException unchecked -> throw unchecked;
            case Error error -> throw error;
            case Throwable other -> throw new IllegalStateException(other);
        }
    }

    @Override
    public void close() {
        executor.close();
    }
}
