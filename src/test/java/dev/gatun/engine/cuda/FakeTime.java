package dev.gatun.engine.cuda;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/** A device's time that a test sets: each mark takes the next of the times it was told, and is reached when that has come. */
final class FakeTime {
    private final Deque<Long> coming = new ArrayDeque<>();
    private final Set<FakeMark> open = new HashSet<>();
    private long now = Long.MAX_VALUE;
    private int opened;

    /** The times of the marks that are put in next. */
    void next(long... times) {
        for (long time : times) {
            coming.add(time);
        }
    }

    /** Marks later than this are not reached. */
    void now(long time) {
        now = time;
    }

    /** How many marks were opened. */
    int opened() {
        return opened;
    }

    /** How many of them are not closed. */
    int open() {
        return open.size();
    }

    TimeMark mark() {
        opened++;
        FakeMark mark = new FakeMark();
        open.add(mark);
        return mark;
    }

    private final class FakeMark implements TimeMark {
        private long time;

        @Override
        public void put() {
            time = coming.remove();
        }

        @Override
        public boolean isReached() {
            return time <= now;
        }

        @Override
        public long nanosSince(TimeMark other) {
            return Math.max(0, time - ((FakeMark) other).time);
        }

        @Override
        public void close() {
            open.remove(this);
        }
    }
}
