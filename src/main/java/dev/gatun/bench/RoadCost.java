package dev.gatun.bench;

import dev.gatun.OffloadStatistics;
import dev.gatun.engine.OffloadCounts;

/**
 * Missing experts in a measurement, by the road that they were served on; those of a prompt once for all tokens that are
 * processed together.
 *
 * @param fetched experts that were copied whole
 * @param split experts of which the device computed a part and the CPU the rest
 * @param computed experts that the CPU computed whole
 * @param bytes of experts that the CPU read
 * @param computing seconds that the CPU computed
 * @param waited seconds from when the CPU had ended to when the copies for the same layer had
 */
public record RoadCost(long fetched, long split, long computed, long bytes, double computing, double waited) {
    /** Nothing was missing. */
    public static final RoadCost NONE = new RoadCost(0, 0, 0, 0, 0, 0);

    static RoadCost of(OffloadStatistics.Roads roads) {
        return new RoadCost(
                roads.fetched(),
                roads.split(),
                roads.computed(),
                roads.bytesComputed(),
                roads.computing().toNanos() / 1e9,
                roads.waited().toNanos() / 1e9);
    }

    static RoadCost of(OffloadCounts.Roads roads) {
        return new RoadCost(
                roads.fetched(),
                roads.split(),
                roads.computed(),
                roads.bytesComputed(),
                roads.computing() / 1e9,
                roads.waited() / 1e9);
    }

    RoadCost plus(RoadCost more) {
        return new RoadCost(
                fetched + more.fetched,
                split + more.split,
                computed + more.computed,
                bytes + more.bytes,
                computing + more.computing,
                waited + more.waited);
    }
}
