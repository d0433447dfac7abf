package dev.gatun.cli;

import dev.gatun.Session;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Turns Ctrl-C into the end of a generation: the JVM runs the hook, which cancels and then waits for the main thread to
 * print what it has and to close the model, within a bound. The JVM then exits with 130 by itself.
 */
final class InterruptHook {
    private static final long PATIENCE_MILLIS = 5_000;

    private InterruptHook() {}

    /** Does {@code work} on this thread; Ctrl-C meanwhile cancels what {@code session} generates and sets {@code interrupted}. */
    static void during(Session session, AtomicBoolean interrupted, Runnable work) {
        Thread main = Thread.currentThread();
        Thread hook = new Thread(() -> stop(session, interrupted, main), "interrupt");
        if (!add(hook)) {
            return;
        }
        try {
            work.run();
        } finally {
            remove(hook);
        }
    }

    private static void stop(Session session, AtomicBoolean interrupted, Thread main) {
        interrupted.set(true);
        session.cancel();
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
