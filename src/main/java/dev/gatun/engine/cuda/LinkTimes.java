package dev.gatun.engine.cuda;

import java.util.function.Supplier;

/** How long at least one copy ran, of either direction: while one runs each way, the time counts once. */
final class LinkTimes implements AutoCloseable {
    private final CopyLane uploads;
    private final CopyLane downloads;
    /** Of the copies that were counted, the one that ended last; and its lane. */
    private CopyLane.Copy last;

    private CopyLane lastLane;
    private long nanos;

    /**
     * Makes one.
     *
     * @param uploads opens another mark of the stream of uploads
     * @param downloads likewise
     */
    LinkTimes(Supplier<TimeMark> uploads, Supplier<TimeMark> downloads) {
        this.uploads = new CopyLane(uploads);
        this.downloads = new CopyLane(downloads);
    }

    /** Times what {@code copy} puts into the stream of uploads. */
    void upload(Runnable copy) {
        time(uploads, copy);
    }

    /** Times what {@code copy} puts into the stream of downloads. */
    void download(Runnable copy) {
        time(downloads, copy);
    }

    private void time(CopyLane lane, Runnable copy) {
        if (lane.isShort()) {
            count();
        }
        lane.time(copy);
    }

    /** Nanoseconds of all copies that have ended. */
    long read() {
        count();
        return nanos;
    }

    /** Counts what has ended, in the order in which it began. */
    private void count() {
        CopyLane.Copy up = uploads.ended();
        CopyLane.Copy down = downloads.ended();
        while (up != null || down != null) {
            boolean isUp = down == null || (up != null && up.begin().nanosSince(down.begin()) <= 0);
            if (isUp) {
                count(uploads);
                up = uploads.ended();
            } else {
                count(downloads);
                down = downloads.ended();
            }
        }
    }

    /** Counts of the lane's first copy what was not counted with the one that ended last. */
    private void count(CopyLane lane) {
        CopyLane.Copy copy = lane.take();
        if (last == null || last.end().nanosSince(copy.begin()) <= 0) {
            nanos += copy.end().nanosSince(copy.begin());
            follow(lane, copy);
        } else if (copy.end().nanosSince(last.end()) > 0) {
            nanos += copy.end().nanosSince(last.end());
            follow(lane, copy);
        } else {
            lane.giveBack(copy);
        }
    }

    /** The last copy's marks are kept, for the next to be compared with. */
    private void follow(CopyLane lane, CopyLane.Copy copy) {
        if (last != null) {
            lastLane.giveBack(last);
        }
        last = copy;
        lastLane = lane;
    }

    @Override
    public void close() {
        if (last != null) {
            lastLane.giveBack(last);
            last = null;
        }
        uploads.close();
        downloads.close();
    }
}
