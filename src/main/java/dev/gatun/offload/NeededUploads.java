package dev.gatun.offload;

/** Uploads what a layer needs, to slots that are made free for it where need be: slots first, since that takes no time. */
final class NeededUploads {
    private final ExpertCache cache;
    private final DeviceSlots slots;
    private final HostBlocks host;
    private final Uploads uploads;
    private final Prefetches prefetches;
    private final FollowUps followUps;
    private final PresentExperts present;
    private final LinkWatch link;

    NeededUploads(
            ExpertCache cache,
            DeviceSlots slots,
            HostBlocks host,
            Uploads uploads,
            Prefetches prefetches,
            FollowUps followUps,
            PresentExperts present,
            LinkWatch link) {
        this.cache = cache;
        this.slots = slots;
        this.host = host;
        this.uploads = uploads;
        this.prefetches = prefetches;
        this.followUps = followUps;
        this.present = present;
        this.link = link;
    }

    /** A slot of the cache for an expert. {@link #whole} must follow, before anything else is asked of this slot. */
    int reserve(int layer, int expert) {
        int cacheSlot = cache.reserve(layer, expert);
        while (cacheSlot == ExpertCache.NONE) {
            if (!followUps.cancelOne() && !prefetches.cancelOne()) {
                awaitArrival();
            }
            cacheSlot = cache.reserve(layer, expert);
        }
        return cacheSlot;
    }

    /** Uploads an expert, numbered layer by layer, to the slot that was reserved for it; the slot of the device. */
    int whole(int number, int cacheSlot) {
        host.makeRoom(cacheSlot);
        int slot = slots.behind(cacheSlot);
        link.needs(uploads.rest(number, slot, 0), uploads.blockBytes());
        host.uploaded(number, cacheSlot);
        followUps.forget(number);
        return slot;
    }

    /** Of what is in flight all may be for slots that were given up, so each time there must be something still. */
    private void awaitArrival() {
        do {
            if (!uploads.areInFlight()) {
                throw new IllegalStateException("every slot is in use: what was fetched must be computed");
            }
            Thread.onSpinWait();
        } while (!present.settleOne());
    }

    /** A slot of the cache that holds nothing until the layer is computed; {@link ExpertCache#NONE} if there is none. */
    int borrow() {
        int cacheSlot = cache.borrow();
        return cacheSlot == ExpertCache.NONE && followUps.cancelOne() ? cache.borrow() : cacheSlot;
    }

    /** Uploads leading parts of an expert, numbered layer by layer, to a slot that was borrowed; the slot of the device. */
    int packed(int number, int cacheSlot, int parts, long bytes) {
        int slot = slots.behind(cacheSlot);
        link.needs(uploads.packed(number, slot, parts, bytes), bytes);
        return slot;
    }
}
