package dev.gatun.offload;

import java.util.Arrays;

/**
 * A host that holds only the experts that are in no slot of their group. A miss swaps both ways at once: the new expert is
 * uploaded to a spare slot while the evicted one is downloaded to a free block; then that one's slot is the next spare
 * one, and the new expert's block the next free one. An expert in a staging slot keeps its block.
 *
 * <p>Nothing is overwritten before its expert is complete elsewhere, by order of the tickets alone:
 *
 * <ul>
 *   <li>an upload to a slot waits for the download that saves what the slot held;
 *   <li>a download to a block waits for all computing put in before, which waited for the upload that read the block: a free
 *       block was given up for an earlier layer, since there are as many as a layer fetches at most;
 *   <li>where no computing waited for that upload, since what was copied behind the host's computing is kept, the block is given up
 *       only after the upload was seen to have ended;
 *   <li>what the host itself reads from a block it has read before it says that the layer is computed, and a block that it
 *       reads is given up for a later layer only.
 * </ul>
 *
 * <p>Every move is in a journal until it is known to have ended. What waits for a failed copy changes nothing: so after a
 * failure each expert is where the last of its moves that ended well took it.
 */
final class ExclusiveHost implements HostBlocks {
    private final ExpertCache cache;
    private final CacheShape shape;
    private final CopyEngine copies;
    private final DeviceSlots slots;
    private final FetchTally tally;
    private final int[] blockOf;
    private final int[] expertAt;
    private final long[] written;
    private final IntQueue spareSlots;
    private final IntQueue freeBlocks;
    private final TicketQueue journal;
    private final ExclusivePlaces places;
    private long computed = CopyEngine.ENDED;

    ExclusiveHost(
            ExpertCache cache,
            CopyEngine copies,
            DeviceSlots slots,
            FetchTally tally,
            ExclusiveLayout layout,
            long blockBytes) {
        this.cache = cache;
        this.shape = cache.shape();
        this.copies = copies;
        this.slots = slots;
        this.tally = tally;
        this.blockOf = new int[shape.allExperts()];
        this.expertAt = new int[layout.slots()];
        this.written = new long[layout.blocks()];
        this.spareSlots = new IntQueue(layout.slots());
        this.freeBlocks = new IntQueue(layout.blocks());
        this.journal = new TicketQueue(4 * layout.slots());
        this.places = new ExclusivePlaces(cache, copies, layout, blockBytes);
        occupy();
    }

    @Override
    public int block(int expert) {
        return blockOf[expert];
    }

    @Override
    public long readable(int expert) {
        return written[blockOf[expert]];
    }

    @Override
    public void makeRoom(int cacheSlot) {
        if (cacheSlot < shape.slots()) {
            int former = slots.behind(cacheSlot);
            save(former);
            slots.bind(cacheSlot, spareSlots.remove());
            spareSlots.add(former);
        }
    }

    @Override
    public void uploaded(int expert, int cacheSlot) {
        if (cacheSlot < shape.slots()) {
            giveUpBlock(expert, slots.behind(cacheSlot));
        }
    }

    @Override
    public void promoted(int expert, int cacheSlot, int stagingSlot) {
        save(slots.behind(stagingSlot));
        giveUpBlock(expert, slots.behind(cacheSlot));
    }

    private void save(int slot) {
        int expert = expertAt[slot];
        int block = freeBlocks.remove();
        long ticket = copies.download(slot, block, computed);
        tally.downloaded();
        written[block] = ticket;
        blockOf[expert] = block;
        slots.saved(slot, ticket);
        journal.add(expert, ~block, ticket);
    }

    private void giveUpBlock(int expert, int slot) {
        freeBlocks.add(blockOf[expert]);
        blockOf[expert] = ExpertCache.NONE;
        expertAt[slot] = expert;
        journal.add(expert, slot, slots.filled(slot));
    }

    @Override
    public void computed(long ticket) {
        computed = ticket;
    }

    @Override
    public void settle() {
        while (!journal.isEmpty() && hasEnded(journal.ticket())) {
            places.moved(journal.item(), journal.place());
            journal.remove();
        }
    }

    private boolean hasEnded(long ticket) {
        return ticket == CopyEngine.ENDED || copies.hasEnded(ticket);
    }

    @Override
    public void reset() {
        for (; !journal.isEmpty(); journal.remove()) {
            if (endedWell(journal.ticket())) {
                places.moved(journal.item(), journal.place());
            }
        }
        cache.abandon();
        for (int slot = 0; slot < shape.allSlots(); slot++) {
            cache.forget(slot);
        }
        places.evenOut();
        occupy();
    }

    private boolean endedWell(long ticket) {
        try {
            return hasEnded(ticket);
        } catch (CopyFailedException failed) {
            return false;
        }
    }

    /** Sets cache and queues to where the experts are. */
    private void occupy() {
        computed = CopyEngine.ENDED;
        Arrays.fill(written, CopyEngine.ENDED);
        Arrays.fill(blockOf, ExpertCache.NONE);
        boolean[] taken = new boolean[slots.count()];
        boolean[] full = new boolean[written.length];
        for (int expert = 0; expert < blockOf.length; expert++) {
            int place = places.of(expert);
            if (place < 0) {
                blockOf[expert] = ~place;
                full[~place] = true;
            } else {
                int cacheSlot = cache.warm(expert / shape.experts(), expert % shape.experts());
                if (cacheSlot == ExpertCache.NONE) {
                    throw new IllegalArgumentException(
                            "the cache does not hold what the layout says: expert " + expert);
                }
                cache.copied(cacheSlot);
                slots.bind(cacheSlot, place);
                expertAt[place] = expert;
                taken[place] = true;
            }
        }
        freeBlocks.clear();
        for (int block = 0; block < full.length; block++) {
            if (!full[block]) {
                freeBlocks.add(block);
            }
        }
        spareSlots.clear();
        int staging = shape.slots();
        for (int slot = 0; slot < taken.length; slot++) {
            if (!taken[slot] && staging < shape.allSlots()) {
                slots.bind(staging++, slot);
            } else if (!taken[slot]) {
                spareSlots.add(slot);
            }
        }
    }
}
