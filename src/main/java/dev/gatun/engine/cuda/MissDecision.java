package dev.gatun.engine.cuda;

import dev.gatun.offload.MissMode;
import dev.gatun.offload.RoadRates;
import java.util.Optional;

/**
 * Which roads are used for misses, by the roads that were measured.
 *
 * @param note for people, if it is not as it was wished for
 */
record MissDecision(MissMode mode, Optional<String> note) {
    private static final String WHY =
            ", not divided: not all host memory is pinned, and copies of the rest make the CPU wait";

    /**
     * Misses are divided only where both roads run at the same time. Copies of memory that is not pinned make the caller wait
     * until they have ended, so one road does all there, the faster one.
     *
     * @param wished for
     * @param isAllPinned whether all blocks of the store are
     */
    static MissDecision of(MissMode wished, boolean isAllPinned, RoadRates rates) {
        if (wished != MissMode.AUTO || isAllPinned) {
            return new MissDecision(wished, Optional.empty());
        }
        return rates.linkBytesPerSecond() >= rates.processorBytesPerSecond()
                ? new MissDecision(MissMode.FETCH, Optional.of("misses are fetched" + WHY))
                : new MissDecision(MissMode.CPU, Optional.of("misses are computed by the CPU" + WHY));
    }
}
