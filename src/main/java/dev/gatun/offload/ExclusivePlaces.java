package dev.gatun.offload;

/**
 * Where each expert certainly is, complete, when the host holds only what is not on the device: a slot, or the complement
 * of a block. After a failure some groups can have more experts on the device than slots, and others fewer; that is
 * evened out here, one copy at a time: it happens seldom, and waiting is right then.
 */
final class ExclusivePlaces {
    private final ExpertCache cache;
    private final CacheShape shape;
    private final CopyEngine copies;
    private final ExclusiveLayout layout;
    private final long blockBytes;
    private final int[] places;

    ExclusivePlaces(ExpertCache cache, CopyEngine copies, ExclusiveLayout layout, long blockBytes) {
        this.cache = cache;
        this.shape = cache.shape();
        this.copies = copies;
        this.layout = layout;
        this.blockBytes = blockBytes;
        this.places = layout.places();
    }

    int of(int expert) {
        return places[expert];
    }

    void moved(int expert, int place) {
        places[expert] = place;
    }

    /**
     * Brings as many experts of each group to the device as it has slots, no more and no fewer. While no block is free,
     * some group has slots to fill, which frees one.
     *
     * @throws CopyFailedException if a copy fails; it can be called again
     */
    void evenOut() {
        int over = groupWith(1);
        int under = groupWith(-1);
        while (over != ExpertCache.NONE || under != ExpertCache.NONE) {
            int block = freeBlock();
            if (over != ExpertCache.NONE && block != ExpertCache.NONE) {
                move(anExpert(over, true), ~block);
            } else {
                move(anExpert(under, false), freeSlot());
            }
            over = groupWith(1);
            under = groupWith(-1);
        }
    }

    private void move(int expert, int place) {
        long ticket = place < 0
                ? copies.download(places[expert], ~place, CopyEngine.ENDED)
                : copies.upload(~places[expert], place, 0, blockBytes, CopyEngine.ENDED);
        copies.drain();
        if (copies.hasEnded(ticket)) {
            places[expert] = place;
        }
    }

    /** A group with more experts on the device than slots, for 1, or with fewer, for -1. */
    private int groupWith(int sign) {
        int experts = shape.allExperts() / shape.groups();
        for (int group = 0; group < shape.groups(); group++) {
            int count = shape.firstSlot(group) - shape.firstSlot(group + 1);
            for (int expert = group * experts; expert < (group + 1) * experts; expert++) {
                count += places[expert] >= 0 ? 1 : 0;
            }
            if (Integer.signum(count) == sign) {
                return group;
            }
        }
        return ExpertCache.NONE;
    }

    private int anExpert(int group, boolean onDevice) {
        int experts = shape.allExperts() / shape.groups();
        for (int expert = group * experts; expert < (group + 1) * experts; expert++) {
            boolean may = cache.admits(expert / shape.experts(), expert % shape.experts());
            if (places[expert] >= 0 == onDevice && may) {
                return expert;
            }
        }
        throw new IllegalStateException("group " + group + " has no such expert");
    }

    private int freeBlock() {
        for (int block = 0; block < layout.blocks(); block++) {
            if (isFree(~block)) {
                return block;
            }
        }
        return ExpertCache.NONE;
    }

    private int freeSlot() {
        for (int slot = 0; slot < layout.slots(); slot++) {
            if (isFree(slot)) {
                return slot;
            }
        }
        throw new IllegalStateException("no slot is free");
    }

    private boolean isFree(int place) {
        for (int taken : places) {
            if (taken == place) {
                return false;
            }
        }
        return true;
    }
}
