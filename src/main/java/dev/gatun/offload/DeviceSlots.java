package dev.gatun.offload;

import java.util.Arrays;

/**
 * The slots of the device behind those of the cache, and what has to end before one is read or written. In the cache an
 * expert moves from slot to slot by {@link ExpertCache#promote}, and a swap puts a spare slot in the place of another; on
 * the device no byte moves: another slot stands behind that of the cache from then on.
 *
 * <p>For every slot there are three tickets, each {@link CopyEngine#ENDED} once that is known.
 */
final class DeviceSlots {
    private final int[] behind;
    private final int[] before;
    private final long[] filled;
    private final long[] used;
    private final long[] saved;

    /** Slot i stands behind slot i of the cache; those that are left are spare. */
    DeviceSlots(int cacheSlots, int slots) {
        behind = new int[cacheSlots];
        before = new int[slots];
        filled = new long[slots];
        used = new long[slots];
        saved = new long[slots];
        Arrays.fill(before, ExpertCache.NONE);
        for (int slot = 0; slot < cacheSlots; slot++) {
            bind(slot, slot);
        }
        forgetTickets();
    }

    int count() {
        return before.length;
    }

    /** The slot of the device behind one of the cache. */
    int behind(int cacheSlot) {
        return behind[cacheSlot];
    }

    /** The slot of the cache, or {@link ExpertCache#NONE} for a spare one. */
    int cacheSlot(int slot) {
        return before[slot];
    }

    /** Puts {@code slot} behind a slot of the cache; what was there is spare, unless it was put elsewhere. */
    void bind(int cacheSlot, int slot) {
        int former = behind[cacheSlot];
        if (before[former] == cacheSlot) {
            before[former] = ExpertCache.NONE;
        }
        behind[cacheSlot] = slot;
        before[slot] = cacheSlot;
    }

    void exchange(int cacheSlot, int other) {
        int slot = behind[cacheSlot];
        bind(cacheSlot, behind[other]);
        bind(other, slot);
    }

    /** The last upload to the slot; once the whole expert was put in, the one that completes it. */
    long filled(int slot) {
        return filled[slot];
    }

    void filled(int slot, long ticket) {
        filled[slot] = ticket;
    }

    /** The last computing that reads the slot. */
    long used(int slot) {
        return used[slot];
    }

    void used(int slot, long ticket) {
        used[slot] = ticket;
    }

    /** The last download that reads the slot. */
    long saved(int slot) {
        return saved[slot];
    }

    /** Downloads are put in after all computing: so what was computed with the slot has ended before the download has. */
    void saved(int slot, long ticket) {
        saved[slot] = ticket;
        used[slot] = CopyEngine.ENDED;
    }

    /** Nothing reads the slot any more. */
    void unread(int slot) {
        saved[slot] = CopyEngine.ENDED;
        used[slot] = CopyEngine.ENDED;
    }

    /** All has ended. */
    void forgetTickets() {
        Arrays.fill(filled, CopyEngine.ENDED);
        Arrays.fill(used, CopyEngine.ENDED);
        Arrays.fill(saved, CopyEngine.ENDED);
    }
}
