package dev.gatun.engine.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Copies one after the other, as long as somebody looks often enough: a few are put in ahead, and no more, so that the end
 * does not take long. Counts those that have ended.
 */
final class CopyTrain implements AutoCloseable {
    /** 20 ms of 64 MiB each on a fast link. */
    static final int AHEAD = 16;

    private final Runnable copy;
    private final List<TimeMark> marks = new ArrayList<>();
    private long putIn;
    private long ended;

    /**
     * Puts in nothing yet.
     *
     * @param copy puts one into its stream
     * @param opened marks of that stream; they are closed with this
     */
    CopyTrain(Runnable copy, Supplier<TimeMark> opened) {
        this.copy = copy;
        try {
            for (int i = 0; i < AHEAD; i++) {
                marks.add(opened.get());
            }
        } catch (RuntimeException | Error failure) {
            close();
            throw failure;
        }
    }

    /** Looks which have ended, and puts in others instead. */
    void look() {
        settle();
        while (putIn < ended + AHEAD) {
            copy.run();
            mark(putIn).put();
            putIn++;
        }
    }

    /** How many have ended. */
    long ended() {
        settle();
        return ended;
    }

    private void settle() {
        while (ended < putIn && mark(ended).isReached()) {
            ended++;
        }
    }

    private TimeMark mark(long number) {
        return marks.get((int) (number % AHEAD));
    }

    @Override
    public void close() {
        marks.forEach(TimeMark::close);
    }
}
