package dev.gatun.offload;

/**
 * What an {@link ExpertCache} did; counts since it was made.
 *
 * @param hits experts asked for that were resident
 * @param arriving experts asked for whose copy was already in flight, and was waited for
 * @param misses experts asked for that were not there, or on their way and not waited for
 * @param evictions experts that gave their slot to another one
 * @param copies copies begun, for misses and for prefetches
 * @param failures copies that failed
 */
public record CacheCounts(long hits, long arriving, long misses, long evictions, long copies, long failures) {
    /** Experts asked for. */
    public long requests() {
        return hits + arriving + misses;
    }

    /** The share of the experts asked for that were resident; 0 when none were asked for. */
    public double hitRatio() {
        return requests() == 0 ? 0 : (double) hits / requests();
    }

    /** What was counted since {@code earlier}. */
    public CacheCounts since(CacheCounts earlier) {
        return new CacheCounts(
                hits - earlier.hits,
                arriving - earlier.arriving,
                misses - earlier.misses,
                evictions - earlier.evictions,
                copies - earlier.copies,
                failures - earlier.failures);
    }
}
