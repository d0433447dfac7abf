package dev.gatun.engine;

import java.lang.foreign.MemorySegment;

/**
 * Finds the likeliest tokens where the logits lie, so that not all logits need cross to the host. Offered by backends for
 * which that crossing costs something.
 */
public interface CandidateSearch {
    /** The most recent tokens that a search takes. */
    int mostRecent();

    /**
     * Waits until the last row of {@code logits} is computed and searched; the routing observer has heard of the chunk then.
     *
     * @param recent ids of the tokens that are penalized, at most {@link #mostRecent}, in any order, any number of times
     * @param target receives 16 + 8 &middot; wanted bytes, little-endian: float64 mass of all tokens, the best weighing 1;
     *     int32 count of candidates; int32 flags, 0 if all logits are numbers; {@code wanted} int32 ids, best first; as many
     *     float32 logits, penalty applied
     * @throws RouterFailureException if a router of this chunk saw NaN
     */
    void await(Logits logits, CandidateRequest request, int[] recent, MemorySegment target);
}
