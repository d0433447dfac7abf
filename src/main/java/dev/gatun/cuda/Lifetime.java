package dev.gatun.cuda;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Whether a native thing may still be used. Calls enter and exit; the end waits until the calls in progress have left, and
 * is refused while a graph holds on to the thing. Neither allocates nor blocks before the end.
 */
final class Lifetime {
    private static final int ENDING = 1 << 30;
    private static final long PAUSE_NANOSECONDS = TimeUnit.MICROSECONDS.toNanos(20);

    private final String name;

    /** Calls in progress, and the bit that lets no more of them in. */
    private final AtomicInteger state = new AtomicInteger();

    /** Graphs that need the thing; written by calls in progress only. */
    private int holders;

    /** @param name what it is, as in "… is closed" */
    Lifetime(String name) {
        this.name = name;
    }

    /** Begins a call, which {@link #exit} must follow. */
    void enter() {
        if (!tryEnter()) {
            throw new IllegalStateException(name + " is closed");
        }
    }

    boolean tryEnter() {
        int now = state.getAndIncrement();
        if ((now & ENDING) != 0) {
            state.getAndDecrement();
            return false;
        }
        return true;
    }

    void exit() {
        state.getAndDecrement();
    }

    boolean isOpen() {
        return (state.get() & ENDING) == 0;
    }

    void requireOpen() {
        if (!isOpen()) {
            throw new IllegalStateException(name + " is closed");
        }
    }

    /** Refuses the end from now on. Called by a call in progress. */
    synchronized void hold() {
        holders++;
    }

    synchronized void release() {
        holders--;
    }

    /** Ends the life and returns true, or returns false if that was done. */
    boolean end() {
        int before = state.getAndUpdate(now -> now | ENDING);
        if ((before & ENDING) != 0) {
            return false;
        }
        while (state.get() != ENDING) {
            LockSupport.parkNanos(this, PAUSE_NANOSECONDS);
        }
        if (isHeld()) {
            state.updateAndGet(now -> now & ~ENDING);
            throw new IllegalStateException(name + " is part of an open graph: close the graph first");
        }
        return true;
    }

    private synchronized boolean isHeld() {
        return holders > 0;
    }

    @Override
    public String toString() {
        return name;
    }
}
