package dev.gatun.engine.cuda;

import dev.gatun.offload.RoadSplit;
import java.util.Optional;

/**
 * The roads of a missing expert that could be opened.
 *
 * @param split how misses are divided between them
 * @param host computes the host's share; empty where all is fetched
 * @param note for people, if it is not as it was wished for
 */
record OpenRoads(RoadSplit split, Optional<HostExperts> host, Optional<String> note) {
    /** The link alone. */
    static OpenRoads fetching(Optional<String> note) {
        return new OpenRoads(RoadSplit.fetching(), Optional.empty(), note);
    }
}
