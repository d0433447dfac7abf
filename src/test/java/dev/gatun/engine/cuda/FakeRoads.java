package dev.gatun.engine.cuda;

import dev.gatun.offload.CopyEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * Both roads on a clock of their own, which goes on when something waits: uploads run one after the other, the host's threads
 * beside them. Nothing is computed or copied.
 */
final class FakeRoads implements CopyEngine, HostRoad {
    private static final double LOOK = 1e-6;

    private final double uploadSeconds;
    private final double expertSeconds;
    private final double fixedSeconds;
    private final int parts;
    /** When each upload ends. */
    private final List<Double> ends = new ArrayList<>();

    private double now;
    private double noted;
    private double hostEnds;
    private double idleLink;
    private int jobs;
    boolean copiesMakeTheCallerWait;
    /** Seconds by which something holds up a job of the host. */
    DoubleSupplier heldUp = () -> 0;

    /**
     * Makes them.
     *
     * @param expertSeconds what the host takes for an expert
     * @param fixedSeconds what it takes for a job besides
     */
    FakeRoads(double uploadSeconds, double expertSeconds, double fixedSeconds, int parts) {
        this.uploadSeconds = uploadSeconds;
        this.expertSeconds = expertSeconds;
        this.fixedSeconds = fixedSeconds;
        this.parts = parts;
    }

    double now() {
        return now;
    }

    long nanos() {
        return Math.round(now * 1e9);
    }

    /** How long the link had nothing to do while the host was waited for. */
    double idleLink() {
        return idleLink;
    }

    /** How often the host was waited for. */
    int jobs() {
        return jobs;
    }

    boolean isLinkIdle() {
        return linkFree() <= now;
    }

    private double linkFree() {
        return ends.isEmpty() ? 0 : ends.getLast();
    }

    @Override
    public long upload(int block, int slot, long offset, long bytes, long after) {
        ends.add(Math.max(now, linkFree()) + uploadSeconds);
        if (copiesMakeTheCallerWait) {
            now = linkFree();
        }
        return ends.size();
    }

    @Override
    public boolean hasEnded(long ticket) {
        now += LOOK;
        return ends.get((int) ticket - 1) <= now;
    }

    @Override
    public void add(int expert, int block, int fromPart, int token, int rank) {
        noted += expertSeconds * (parts - fromPart) / parts;
    }

    @Override
    public void begin() {
        hostEnds = now + fixedSeconds + noted + heldUp.getAsDouble();
        noted = 0;
    }

    @Override
    public void finish() {
        jobs++;
        if (hostEnds > now) {
            idleLink += Math.max(0, hostEnds - Math.max(now, linkFree()));
            now = hostEnds;
        }
    }

    /** Half of an expert's time is reading, which tokens share. */
    @Override
    public void addWhole(int expert, int block, int[] tokens, int[] ranks, int count) {
        add(expert, block, 0, 0, 0);
        noted *= (1 + count) / 2.0;
        begin();
        finish();
    }

    @Override
    public void forget() {
        noted = 0;
    }

    @Override
    public long uploadParts(int block, int slot, int parts, long after) {
        throw new UnsupportedOperationException("parts");
    }

    @Override
    public long download(int slot, int block, long after) {
        throw new UnsupportedOperationException("downloads");
    }

    @Override
    public long computed() {
        throw new UnsupportedOperationException("computing");
    }

    @Override
    public void computeAfter(long ticket) {
        throw new UnsupportedOperationException("computing");
    }

    @Override
    public long uploadNanos(long ticket) {
        throw new UnsupportedOperationException("times of uploads");
    }

    @Override
    public void drain() {
        throw new UnsupportedOperationException("failures");
    }
}
