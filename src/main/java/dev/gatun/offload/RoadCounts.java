package dev.gatun.offload;

/**
 * How experts that were needed and missing were served, by road: of single tokens the misses, and of prompts what was streamed
 * and what the host computed instead.
 *
 * @param fetched experts that were copied whole
 * @param split experts of which the device computed a part and the host the rest
 * @param computed experts that the host computed whole
 * @param bytesComputed bytes of blocks that the host read
 * @param computingNanos how long the host computed
 * @param waitedNanos how long the host had ended its part before the last copy for the same layer had arrived
 */
public record RoadCounts(
        long fetched, long split, long computed, long bytesComputed, long computingNanos, long waitedNanos) {
    /** Nothing was missing yet. */
    public static final RoadCounts NONE = new RoadCounts(0, 0, 0, 0, 0, 0);
}
