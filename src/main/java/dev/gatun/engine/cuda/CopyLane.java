package dev.gatun.engine.cuda;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;

/** When the copies of one direction, which run one after the other, began and ended. */
final class CopyLane implements AutoCloseable {
    /** A copy, from mark to mark. */
    record Copy(TimeMark begin, TimeMark end) {}

    private final Supplier<TimeMark> opened;
    private final Deque<Copy> idle = new ArrayDeque<>();
    private final Deque<Copy> pending = new ArrayDeque<>();

    /**
     * Makes one.
     *
     * @param opened opens another mark of the direction's stream; closed with this
     */
    CopyLane(Supplier<TimeMark> opened) {
        this.opened = opened;
    }

    /** Times what {@code copy} puts into the stream, from when it can begin. */
    void time(Runnable copy) {
        Copy marks = idle.isEmpty() ? new Copy(opened.get(), opened.get()) : idle.pop();
        try {
            marks.begin.put();
            copy.run();
            marks.end.put();
        } catch (RuntimeException | Error failure) {
            idle.push(marks);
            throw failure;
        }
        pending.add(marks);
    }

    /** Whether all marks are in use. */
    boolean isShort() {
        return idle.isEmpty();
    }

    /** The first copy that was not taken, if it has ended; else null. */
    Copy ended() {
        Copy first = pending.peek();
        return first != null && first.end.isReached() ? first : null;
    }

    /** Takes the first copy. */
    Copy take() {
        return pending.remove();
    }

    /** A taken copy's marks may be put in again. */
    void giveBack(Copy copy) {
        idle.push(copy);
    }

    @Override
    public void close() {
        idle.forEach(CopyLane::close);
        pending.forEach(CopyLane::close);
    }

    private static void close(Copy copy) {
        copy.begin.close();
        copy.end.close();
    }
}
