package dev.gatun.offload;

/**
 * What the two roads of a missing expert are believed to take: the link, and the host's processor. The start is measured by
 * the backend; every layer corrects it. One thread uses it.
 */
public final class RoadRates {
    private static final double NANO = 1e-9;

    private final RoadEstimate link;
    private final RoadEstimate processor;

    /**
     * Begins with what was measured, best with both roads in use.
     *
     * @param link a job is an upload
     * @param processor a job is all that the host computes for a layer
     */
    public RoadRates(RoadSpeed link, RoadSpeed processor) {
        this.link = new RoadEstimate(link);
        this.processor = new RoadEstimate(processor);
    }

    /** Bytes per second of uploads, as far as they were seen. */
    public double linkBytesPerSecond() {
        return link.bytesPerSecond();
    }

    /** Bytes of blocks per second that the host computes with, as far as that was seen. */
    public double processorBytesPerSecond() {
        return processor.bytesPerSecond();
    }

    /** What so many bytes in so many uploads take, in seconds; 0 for none. */
    double linkSeconds(long bytes, int uploads) {
        return link.seconds(bytes, uploads);
    }

    /** What a job of so many bytes takes, in seconds; 0 for none. */
    double processorSeconds(long bytes) {
        return bytes == 0 ? 0 : processor.seconds(bytes, 1);
    }

    /** The host took so long for a job. */
    void computed(long bytes, long nanos) {
        processor.seen(bytes, nanos * NANO);
    }

    /** The link took so long for an upload. */
    void uploaded(long bytes, long nanos) {
        link.seen(bytes, nanos * NANO);
    }

    /** A layer's misses were left to the host alone. */
    void linkIdle() {
        link.idle();
    }

    /** A layer's misses were left to the link alone. */
    void processorIdle() {
        processor.idle();
    }
}
