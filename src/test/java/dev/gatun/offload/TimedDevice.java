package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;

/**
 * A link with a speed, and a clock that goes on only when it is told to: uploads run one after the other, each for its
 * time, and computing takes none. Nothing is copied.
 */
final class TimedDevice implements CopyEngine {
    private final Map<Long, Double> ends = new HashMap<>();
    private final Map<Long, Long> uploadNanos = new HashMap<>();
    private final long blockBytes;
    private final int parts;
    private double now;
    private double linkFree;
    private RoadSpeed link;
    private long bytesUp;

    TimedDevice(long blockBytes, int parts, RoadSpeed link) {
        this.blockBytes = blockBytes;
        this.parts = parts;
        this.link = link;
    }

    void link(RoadSpeed speed) {
        link = speed;
    }

    /** Seconds since it was made. */
    double now() {
        return now;
    }

    long nanos() {
        return Math.round(now * 1e9);
    }

    void advance(double seconds) {
        now += seconds;
    }

    /** Seconds from now on until the link has nothing to do. */
    double busy() {
        return Math.max(0, linkFree - now);
    }

    long bytesUp() {
        return bytesUp;
    }

    @Override
    public long upload(int block, int slot, long offset, long bytes, long after) {
        return putIn(bytes);
    }

    @Override
    public long uploadParts(int block, int slot, int parts, long after) {
        return putIn(blockBytes * parts / this.parts);
    }

    private long putIn(long bytes) {
        bytesUp += bytes;
        double seconds = bytes == 0 ? 0 : link.fixedSeconds() + bytes / link.bytesPerSecond();
        linkFree = Math.max(linkFree, now) + seconds;
        long ticket = ticket(linkFree);
        uploadNanos.put(ticket, Math.round(seconds * 1e9));
        return ticket;
    }

    private long ticket(double end) {
        ends.put(ends.size() + 1L, end);
        return ends.size();
    }

    @Override
    public long download(int slot, int block, long after) {
        throw new UnsupportedOperationException("downloads");
    }

    @Override
    public long computed() {
        return ticket(now);
    }

    @Override
    public void computeAfter(long ticket) {
        // The run waits for the link before it goes on.
    }

    @Override
    public boolean hasEnded(long ticket) {
        return ticket == ENDED || ends.get(ticket) <= now;
    }

    @Override
    public long uploadNanos(long ticket) {
        assertThat(hasEnded(ticket)).isTrue();
        return uploadNanos.get(ticket);
    }

    @Override
    public void drain() {
        now = Math.max(now, linkFree);
    }
}
