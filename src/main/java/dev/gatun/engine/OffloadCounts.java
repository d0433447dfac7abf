package dev.gatun.engine;

import java.util.Optional;

/**
 * What a backend that fetches experts did since it was made; every number but {@code gpuMemory} and the depth only grows. Read
 * before and after something, the difference is what that cost: {@link #since}.
 *
 * @param hits experts that single tokens asked for and that were on the device
 * @param late experts that single tokens asked for and whose copy, on its way, was waited for
 * @param misses experts that single tokens asked for and that were neither
 * @param hitLayers layers of a token, or of a chunk, all of whose experts were on the device
 * @param prefetches copies that were begun for guesses
 * @param prefetchesUsed those of them that were asked for before they were evicted, in time or late
 * @param prefetchesWasted those that were evicted, or cancelled, before anybody asked for them
 * @param prefetchDepth guesses of a layer that are copied now; fewer than were asked for where more did not pay
 * @param prefetchTurnedDown how often that became less, since the last guess did not pay
 * @param bytesUp bytes copied from host to device
 * @param bytesDown bytes copied from device to host
 * @param roads how missing experts were served, those of prompts too, which are no {@code misses}
 * @param times where the time went; empty where that is not measured
 * @param gpuMemory bytes of the device's memory that are in use now
 */
public record OffloadCounts(
        long hits,
        long late,
        long misses,
        long hitLayers,
        long prefetches,
        long prefetchesUsed,
        long prefetchesWasted,
        int prefetchDepth,
        long prefetchTurnedDown,
        long bytesUp,
        long bytesDown,
        Roads roads,
        Optional<Times> times,
        long gpuMemory) {

    /**
     * Missing experts by the road that they were served on; those of a prompt once for each chunk.
     *
     * @param fetched experts that were copied whole
     * @param split experts of which the device computed a part and the host the rest
     * @param computed experts that the host computed whole
     * @param bytesComputed bytes of experts that the host read
     * @param computing how long the host computed, in nanoseconds
     * @param waited how long the host had ended before the copies for the same layer had, in nanoseconds
     */
    public record Roads(long fetched, long split, long computed, long bytesComputed, long computing, long waited) {
        /** What was added since {@code earlier}. */
        public Roads since(Roads earlier) {
            return new Roads(
                    fetched - earlier.fetched,
                    split - earlier.split,
                    computed - earlier.computed,
                    bytesComputed - earlier.bytesComputed,
                    computing - earlier.computing,
                    waited - earlier.waited);
        }
    }

    /**
     * The time of copies and of forward passes, in nanoseconds.
     *
     * @param link how long copies ran; while one runs each way the time counts once
     * @param parts the time of the passes
     */
    public record Times(long link, Parts parts) {
        /** What was added since {@code earlier}. */
        public Times since(Times earlier) {
            return new Times(link - earlier.link, parts.since(earlier.parts));
        }
    }

    /**
     * The time of forward passes by part, in nanoseconds. What is missing to their sum is the way of the logits to the host.
     *
     * @param attention norms, projections, rotary embedding, attention; and the embedding and the head
     * @param router choosing experts
     * @param experts computing them
     * @param waiting nothing was computed because a copy was on its way
     * @param cpu nothing was computed because the host still computed its part of the experts
     * @param host nothing was computed because the host had not ordered anything yet
     */
    public record Parts(long attention, long router, long experts, long waiting, long cpu, long host) {
        /** What was added since {@code earlier}. */
        public Parts since(Parts earlier) {
            return new Parts(
                    attention - earlier.attention,
                    router - earlier.router,
                    experts - earlier.experts,
                    waiting - earlier.waiting,
                    cpu - earlier.cpu,
                    host - earlier.host);
        }
    }

    /** What was counted since {@code earlier}, with the memory that is in use now. */
    public OffloadCounts since(OffloadCounts earlier) {
        return new OffloadCounts(
                hits - earlier.hits,
                late - earlier.late,
                misses - earlier.misses,
                hitLayers - earlier.hitLayers,
                prefetches - earlier.prefetches,
                prefetchesUsed - earlier.prefetchesUsed,
                prefetchesWasted - earlier.prefetchesWasted,
                prefetchDepth,
                prefetchTurnedDown - earlier.prefetchTurnedDown,
                bytesUp - earlier.bytesUp,
                bytesDown - earlier.bytesDown,
                roads.since(earlier.roads),
                times.flatMap(now -> earlier.times.map(now::since)),
                gpuMemory);
    }
}
