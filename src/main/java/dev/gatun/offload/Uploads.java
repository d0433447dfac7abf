package dev.gatun.offload;

/** Uploads of experts, each put in so that it begins when its slot is free and its block is readable. */
final class Uploads {
    private final CopyEngine copies;
    private final DeviceSlots slots;
    private final HostBlocks host;
    private final FetchTally tally;
    private final long blockBytes;
    /** Uploads that complete a slot of the cache, in the order in which they end. */
    private final TicketQueue completing;

    Uploads(CopyEngine copies, DeviceSlots slots, HostBlocks host, FetchTally tally, long blockBytes) {
        this.copies = copies;
        this.slots = slots;
        this.host = host;
        this.tally = tally;
        this.blockBytes = blockBytes;
        this.completing = new TicketQueue(2 * slots.count());
    }

    long blockBytes() {
        return blockBytes;
    }

    /** Puts in part of an expert. It waits for the part before, which comes first anyway: if that fails, all has failed. */
    long part(int expert, int slot, long offset, long bytes) {
        int block = host.block(expert);
        long after = whenFree(expert, block, slot);
        after = both(block, slot, after, offset == 0 ? CopyEngine.ENDED : slots.filled(slot));
        long ticket = copies.upload(block, slot, offset, bytes, after);
        tally.uploaded(bytes);
        slots.filled(slot, ticket);
        return ticket;
    }

    /** Puts in the leading parts of an expert, packed, to a slot that holds none. */
    long packed(int expert, int slot, int parts, long bytes) {
        int block = host.block(expert);
        long after = whenFree(expert, block, slot);
        long ticket = copies.uploadParts(block, slot, parts, after);
        tally.uploaded(bytes);
        slots.filled(slot, ticket);
        return ticket;
    }

    /** When the slot may be written and the block be read. */
    private long whenFree(int expert, int block, int slot) {
        long after = both(block, slot, slots.used(slot), slots.saved(slot));
        return both(block, slot, after, host.readable(expert));
    }

    /** One ticket to wait for instead of two: an empty upload waits for the other one. */
    private long both(int block, int slot, long first, long second) {
        if (first == second || second == CopyEngine.ENDED) {
            return first;
        }
        if (first != CopyEngine.ENDED && !copies.hasEnded(first)) {
            copies.upload(block, slot, 0, 0, first);
        }
        return second;
    }

    /** Puts in the rest of an expert, in a slot of the cache; {@link #nextArrived} will tell when it is there. */
    long rest(int expert, int slot, long offset) {
        long ticket = part(expert, slot, offset, blockBytes - offset);
        completing.add(slot, 0, ticket);
        return ticket;
    }

    /** Whether an upload would begin at once. */
    boolean wouldBegin(int expert, int slot) {
        if (!hasEnded(slots.used(slot)) || !hasEnded(slots.saved(slot)) || !hasEnded(host.readable(expert))) {
            return false;
        }
        slots.unread(slot);
        return true;
    }

    boolean hasEnded(long ticket) {
        return ticket == CopyEngine.ENDED || copies.hasEnded(ticket);
    }

    /** Nanoseconds that an upload took which has ended; 0 if that is not known any more. */
    long nanos(long ticket) {
        return copies.uploadNanos(ticket);
    }

    /** Whether a slot is to be completed. */
    boolean areInFlight() {
        return !completing.isEmpty();
    }

    /**
     * A slot that is complete since the last call, or {@link ExpertCache#NONE} if there is none. One that was given to
     * another expert meanwhile is not meant: that one's upload comes later.
     */
    int nextArrived() {
        while (!completing.isEmpty() && copies.hasEnded(completing.ticket())) {
            int slot = completing.item();
            long ticket = completing.ticket();
            completing.remove();
            if (slots.filled(slot) == ticket) {
                slots.filled(slot, CopyEngine.ENDED);
                return slot;
            }
        }
        return ExpertCache.NONE;
    }

    /** What is in the slot will not be completed, or is of no use. */
    void giveUp(int slot) {
        slots.filled(slot, CopyEngine.ENDED);
    }

    void reset() {
        completing.clear();
    }
}
