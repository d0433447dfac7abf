package dev.gatun.offload;

/**
 * What an {@link ExpertFetcher} did since it was made.
 *
 * @param hits experts that single tokens asked for and that were resident
 * @param waits experts that single tokens asked for and that were on their way, and waited for
 * @param misses experts that single tokens asked for and that were neither
 * @param streamed experts of prompts that were uploaded; those that lay there already are counted nowhere
 * @param bytesUp bytes from the host to the device
 * @param bytesDown bytes from the device to the host
 * @param prefetchesBegun guessed experts whose copy was begun
 * @param prefetchesFinished those that were whole before it was known whether they are needed
 * @param prefetchesUsed those that were asked for, whole or in part
 * @param prefetchesCancelled those whose copy was given up
 * @param bytesWasted bytes of those that were not asked for
 * @param prefetchDepth guesses of a layer that are copied now; see {@link PrefetchControl}
 * @param prefetchTurnedDown how often fewer were copied from then on, since they did not pay
 * @param roads how what was missing was served, of single tokens and of prompts
 */
public record FetchCounts(
        long hits,
        long waits,
        long misses,
        long streamed,
        long bytesUp,
        long bytesDown,
        long prefetchesBegun,
        long prefetchesFinished,
        long prefetchesUsed,
        long prefetchesCancelled,
        long bytesWasted,
        int prefetchDepth,
        long prefetchTurnedDown,
        RoadCounts roads) {}
