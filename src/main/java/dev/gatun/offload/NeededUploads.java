package dev.gatun.offload;

/** Uploads what a layer needs, at once, to slots that are made free for it where need be. */
final class NeededUploads {
    private final ExpertCache cache;
    private final CacheShape shape;
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
        this.shape = cache.shape();
        this.slots = slots;
        this.host = host;
        this.uploads = uploads;
        this.prefetches = prefetches;
        this.followUps = followUps;
        this.present = present;
        this.link = link;
    }

    /** Uploads an expert to a slot of the cache; the slot of the device. */
    int whole(int layer, int expert) {
        int number = layer * shape.experts() + expert;
        int cacheSlot = reserve(layer, expert);
        host.makeRoom(cacheSlot);
        int slot = slots.behind(cacheSlot);
        link.needs(uploads.rest(number, slot, 0), uploads.blockBytes());
        host.uploaded(number, cacheSlot);
        followUps.forget(number);
        return slot;
    }

    private int reserve(int layer, int expert) {
        int cacheSlot = cache.reserve(layer, expert);
        while (cacheSlot == ExpertCache.NONE) {
            if (!followUps.cancelOne() && !prefetches.cancelOne()) {
                awaitArrival();
            }
            cacheSlot = cache.reserve(layer, expert);
        }
        return cacheSlot;
    }

    private void awaitArrival() {
        if (!uploads.areInFlight()) {
            throw new IllegalStateException("every slot is in use: what was fetched must be computed");
        }
        while (!present.settleOne()) {
            Thread.onSpinWait();
        }
    }

    /**
     * Uploads leading parts of an expert, numbered layer by layer, to a slot that is borrowed until the layer is computed.
     *
     * @return the slot of the device, or {@link ExpertCache#NONE} if there is none to be had
     */
    int packed(int number, int parts, long bytes) {
        int cacheSlot = cache.borrow();
        if (cacheSlot == ExpertCache.NONE && followUps.cancelOne()) {
            cacheSlot = cache.borrow();
        }
        if (cacheSlot == ExpertCache.NONE) {
            return ExpertCache.NONE;
        }
        int slot = slots.behind(cacheSlot);
        link.needs(uploads.packed(number, slot, parts, bytes), bytes);
        return slot;
    }
}
