package dev.gatun.offload;

import java.util.Arrays;

/**
 * Experts that the host computed, copied behind it: else a cache whose misses the host serves would never learn. It takes a
 * link that is idle, in smaller chunks than guesses, one at a time and after them; nothing is evicted from a group before an
 * expert is whole, and then the least of the group goes to the staging slot and can be asked for there still.
 *
 * <p>The link is seldom idle, for less than an expert between two layers: so there are many more candidates than copies, and
 * what matters is which. An expert that was asked for again while it waited goes first, and among equals the one asked for
 * last: where routing has favourites these are soon among them; where it has none, {@link FollowControl} finds out. One that
 * was begun is finished, though its layer may choose others meanwhile, since what was copied of it would be lost; it is given
 * up only to make room for what is needed. When more wait than there are places, the one that would have gone last is
 * forgotten.
 */
final class FollowUps {
    private static final int MOST = 64;

    /** One for what is needed has to be left. */
    private static final int FEWEST_STAGING = 2;

    /** Guesses come to be needed more often, and may hold that up for longer. */
    private static final int SMALLER = 4;

    private final ExpertCache cache;
    private final CacheShape shape;
    private final DeviceSlots slots;
    private final Uploads uploads;
    private final Chunks chunks;
    private final FollowControl control;
    private final long chunkBytes;
    /** The first {@code count} are in use, the one asked for last at the end; their rank is how often they were asked for. */
    private final Guess[] waiting = new Guess[MOST];

    private int count;
    /** The one that was begun, not among those that wait; its layer is {@link ExpertCache#NONE} if there is none. */
    private final Guess begun = new Guess();

    FollowUps(
            ExpertCache cache,
            DeviceSlots slots,
            Uploads uploads,
            Chunks chunks,
            FollowControl control,
            long guessChunkBytes) {
        this.cache = cache;
        this.shape = cache.shape();
        this.slots = slots;
        this.uploads = uploads;
        this.chunks = chunks;
        this.control = control;
        this.chunkBytes = Math.max(1, guessChunkBytes / SMALLER);
        Arrays.setAll(waiting, i -> new Guess());
        begun.layer = ExpertCache.NONE;
    }

    /** The host computes an expert that lies in no slot, or in part. */
    void add(int layer, int expert) {
        int number = shape.number(layer, expert);
        boolean may = cache.admits(layer, expert) && cache.slotOf(layer, expert) == ExpertCache.NONE;
        if (!may || !control.wantsOne()) {
            return;
        }
        int asked = 1 + asked(number);
        forget(number);
        if (count == MOST) {
            remove(last());
        }
        waiting[count++].set(layer, number, asked, true);
    }

    /** An expert that may wait need not follow, since it is on its way as something needed. */
    void forget(int expert) {
        for (int i = 0; i < count; i++) {
            if (waiting[i].expert == expert) {
                remove(i);
                return;
            }
        }
    }

    private void remove(int index) {
        Guess removed = waiting[index];
        count--;
        System.arraycopy(waiting, index + 1, waiting, index, count - index);
        waiting[count] = removed;
    }

    /** The one that was asked for least, and of these the one that has waited longest. */
    private int last() {
        int last = 0;
        for (int i = 1; i < count; i++) {
            last = waiting[i].rank < waiting[last].rank ? i : last;
        }
        return last;
    }

    private int next() {
        int next = 0;
        for (int i = 1; i < count; i++) {
            next = waiting[i].rank >= waiting[next].rank ? i : next;
        }
        return next;
    }

    /** How often an expert was asked for since it waits; 0 if it does not. */
    int asked(int expert) {
        for (int i = 0; i < count; i++) {
            if (waiting[i].expert == expert) {
                return waiting[i].rank;
            }
        }
        return 0;
    }

    /** Goes on while nothing is needed and no guess is on its way. */
    void pump() {
        if (!chunks.isEmpty()) {
            return;
        }
        while (!isBegun() && count > 0) {
            if (!begin()) {
                return;
            }
        }
        if (isBegun() && (begun.copied > 0 || uploads.wouldBegin(begun.expert, begun.slot))) {
            chunks.putInOne(begun, chunkBytes);
        }
    }

    /** Begins the next one or forgets it; not if it would find no slot. */
    private boolean begin() {
        int index = next();
        Guess candidate = waiting[index];
        int expert = candidate.expert % shape.experts();
        boolean absent = cache.slotOf(candidate.layer, expert) == ExpertCache.NONE;
        if (absent && cache.wouldKeep(candidate.layer, expert)) {
            int slot = shape.staging() < FEWEST_STAGING
                    ? cache.warm(candidate.layer, expert)
                    : cache.prefetch(candidate.layer, expert);
            if (slot == ExpertCache.NONE) {
                return false;
            }
            begun.set(candidate.layer, candidate.expert, candidate.rank, true);
            begun.slot = slots.behind(slot);
        }
        remove(index);
        return true;
    }

    /** What was put in for a slot has arrived. */
    void arrived(int slot) {
        begun.whole |= isBegun() && begun.slot == slot;
    }

    private boolean isBegun() {
        return begun.layer != ExpertCache.NONE;
    }

    /** The slot of the cache with an expert that is whole since the last call, or {@link ExpertCache#NONE}. */
    int takeWhole() {
        if (!begun.whole) {
            return ExpertCache.NONE;
        }
        int slot = isThere() ? slots.cacheSlot(begun.slot) : ExpertCache.NONE;
        end();
        return slot;
    }

    private void end() {
        chunks.forget(begun);
        begun.layer = ExpertCache.NONE;
        begun.whole = false;
    }

    private boolean isOf(int expert) {
        return isBegun() && begun.expert == expert && isThere();
    }

    /** Whether its slot is its own still: once whole, it may have been evicted. */
    private boolean isThere() {
        int slot = slots.cacheSlot(begun.slot);
        return slot != ExpertCache.NONE && cache.expertIn(slot) == begun.expert;
    }

    /** Bytes of an expert that was begun and not put in whole; 0 for any other. */
    long left(int expert) {
        return isOf(expert) ? uploads.blockBytes() - begun.copied : 0;
    }

    /** An expert was asked for and has a slot: if that is one that was begun, the rest of it is uploaded at once. */
    long use(int expert) {
        if (!isOf(expert)) {
            return CopyEngine.ENDED;
        }
        long ticket = slots.filled(begun.slot);
        if (begun.copied < uploads.blockBytes()) {
            ticket = uploads.rest(expert, begun.slot, begun.copied);
        }
        end();
        return ticket;
    }

    /** Gives up the one that was begun, if it is not whole; whether there was one. */
    boolean cancelOne() {
        if (!isBegun() || begun.whole) {
            return false;
        }
        cache.failed(slots.cacheSlot(begun.slot));
        uploads.giveUp(begun.slot);
        end();
        return true;
    }

    /** Gives all up. */
    void cancelAll() {
        cancelOne();
        reset();
    }

    /** All is lost that was on its way. */
    void reset() {
        end();
        count = 0;
    }
}
