package dev.gatun.bench;

import dev.gatun.OffloadStatistics;
import dev.gatun.engine.OffloadCounts;
import java.util.Optional;

/**
 * What fetching experts cost in a measurement.
 *
 * @param requests experts asked for
 * @param hits those that were on the device
 * @param hitLayers layers of a token all of whose experts were on the device
 * @param bytesUp bytes copied to the device
 * @param bytesDown bytes copied back
 * @param roads how those that were missing were served
 * @param times where the time went; empty where that was not measured
 */
public record FetchCost(
        long requests,
        long hits,
        long hitLayers,
        long bytesUp,
        long bytesDown,
        RoadCost roads,
        Optional<TimeCost> times) {
    /** The share of the experts asked for that were on the device; 0 when none were asked for. */
    public double hitRatio() {
        return requests == 0 ? 0 : (double) hits / requests;
    }

    /** Bytes that both roads carried: copied to the device, and read by the CPU. */
    public long bytes() {
        return bytesUp + roads.bytes();
    }

    static FetchCost of(OffloadStatistics cost) {
        return new FetchCost(
                cost.requests(),
                cost.hits(),
                cost.hitLayers(),
                cost.bytesToGpu(),
                cost.bytesFromGpu(),
                RoadCost.of(cost.roads()),
                cost.times().map(TimeCost::of));
    }

    static FetchCost of(OffloadCounts cost) {
        return new FetchCost(
                cost.hits() + cost.late() + cost.misses(),
                cost.hits(),
                cost.hitLayers(),
                cost.bytesUp(),
                cost.bytesDown(),
                RoadCost.of(cost.roads()),
                cost.times().map(TimeCost::of));
    }

    FetchCost plus(FetchCost more) {
        return new FetchCost(
                requests + more.requests,
                hits + more.hits,
                hitLayers + more.hitLayers,
                bytesUp + more.bytesUp,
                bytesDown + more.bytesDown,
                roads.plus(more.roads),
                times.flatMap(mine -> more.times.map(mine::plus)));
    }
}
