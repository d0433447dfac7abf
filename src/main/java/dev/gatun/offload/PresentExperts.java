package dev.gatun.offload;

/** Experts that have a slot, there or on their way: their use, their arrival, and that they stay. */
final class PresentExperts {
    private final ExpertCache cache;
    private final CacheShape shape;
    private final DeviceSlots slots;
    private final HostBlocks host;
    private final Uploads uploads;
    private final Prefetches prefetches;
    private final FollowUps followUps;
    private final FollowControl control;
    private final LinkWatch link;

    PresentExperts(
            ExpertCache cache,
            DeviceSlots slots,
            HostBlocks host,
            Uploads uploads,
            Prefetches prefetches,
            FollowUps followUps,
            FollowControl control,
            LinkWatch link) {
        this.cache = cache;
        this.shape = cache.shape();
        this.slots = slots;
        this.host = host;
        this.uploads = uploads;
        this.prefetches = prefetches;
        this.followUps = followUps;
        this.control = control;
        this.link = link;
    }

    /**
     * Claims those of a layer's experts that have a slot, but for what is left to the host; what is not there whole is
     * uploaded at once.
     *
     * @param parts of an expert
     */
    void claim(LayerChoice choice, int parts) {
        int[] cacheSlots = choice.slots();
        cache.request(choice.layer(), choice.experts(), choice.count(), cacheSlots);
        for (int i = 0; i < choice.count(); i++) {
            int cacheSlot = cacheSlots[i];
            if (choice.isLeft(i)) {
                cache.leave(cacheSlot);
                choice.serve(i, ExpertCache.NONE, 0);
            } else if (cacheSlot != ExpertCache.NONE) {
                choice.serve(i, use(choice.number(i), cacheSlot), parts);
            }
        }
    }

    private int use(int expert, int cacheSlot) {
        long left = prefetches.left(expert) + followUps.left(expert);
        link.needs(prefetches.use(expert), left);
        link.needs(followUps.use(expert), left);
        int slot = slots.behind(cacheSlot);
        promote(expert, cacheSlot);
        return slot;
    }

    private void promote(int expert, int cacheSlot) {
        int promoted = cache.promote(cacheSlot);
        if (promoted != ExpertCache.NONE) {
            slots.exchange(cacheSlot, promoted);
            host.promoted(expert, promoted, cacheSlot);
        }
    }

    /** What came behind the host's computing stays, if that is worth it still. No block may be in the host's hands. */
    void keepFollowUp() {
        int cacheSlot = followUps.takeWhole();
        if (cacheSlot != ExpertCache.NONE) {
            int expert = cache.expertIn(cacheSlot);
            if (cacheSlot < shape.slots()) {
                control.stays(expert, ExpertCache.NONE);
            } else if (cache.wouldKeep(expert / shape.experts(), expert % shape.experts())) {
                promote(expert, cacheSlot);
                control.stays(expert, cache.expertIn(cacheSlot));
            }
        }
    }

    /** Notes one expert that has arrived; whether there was one. */
    boolean settleOne() {
        int slot = uploads.nextArrived();
        if (slot == ExpertCache.NONE) {
            return false;
        }
        cache.copied(slots.cacheSlot(slot));
        prefetches.arrived(slot);
        followUps.arrived(slot);
        return true;
    }
}
