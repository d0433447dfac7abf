package dev.gatun.cli;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * Turns Ctrl-C into the end of loading, of a generation or of a benchmark: the JVM runs the hook, which cancels and then waits
 * for the main thread to print what it has and to close the model, within a bound. The JVM then exits with 130 by itself.
 */
final class InterruptHook {
    private static final long PATIENCE_MILLIS = 5_000;

    private InterruptHook() {}

    /** Does {@code work} on this thread; Ctrl-C meanwhile sets {@code interrupted} and does {@code cancel}. */
    static void during(Runnable cancel, AtomicBoolean interrupted, Runnable work) {
        Thread main = Thread.currentThread();
        Thread hook = new Thread(() -> stop(cancel, interrupted, main), "interrupt");
        if (!add(hook)) {
            return;
        }
        try {
            work.run();
        } finally {
            remove(hook);
        }
    }

    /**
     * Opens or computes something on this thread; Ctrl-C meanwhile sets {@code interrupted}, which {@code opening} is to
     * look at.
     *
     * @throws CancellationException if Ctrl-C came before it began
     */
    static <T> T duringOpening(AtomicBoolean interrupted, Supplier<T> opening) {
        AtomicReference<T> opened = new AtomicReference<>();
        during(() -> {}, interrupted, () -> opened.set(opening.get()));
        if (opened.get() == null) {
            throw new CancellationException("Ctrl-C before anything was opened");
        }
        return opened.get();
    }

    private static void stop(Runnable cancel, AtomicBoolean interrupted, Thread main) {
        interrupted.set(true);
        cancel.run();
        try {
            main.join(PATIENCE_MILLIS);
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the JVM goes on: where Ctrl-C came already, there is nothing to begin. */
    private static boolean add(Thread hook) {
        try {
            Runtime.getRuntime().addShutdownHook(hook);
            return true;
        } catch (IllegalStateException shuttingDown) {
            return false;
        }
    }

    private static void remove(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            // The hook is running already and waits for this thread: nothing to take back.
            return;
        }
    }
}
