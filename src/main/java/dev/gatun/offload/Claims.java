package dev.gatun.offload;

/** Slots of the device whose experts, or leading parts of one, were fetched for computing that is not put in yet. */
final class Claims {
    private final ExpertCache cache;
    private final CopyEngine copies;
    private final DeviceSlots slots;
    private final Uploads uploads;
    private final int[] claimed;
    private int count;
    /** The upload of leading parts that computing has yet to wait for. */
    private long packed = CopyEngine.ENDED;

    private boolean awaitsUpload;

    /**
     * Makes it without any.
     *
     * @param most experts that are fetched at once at most
     */
    Claims(ExpertCache cache, CopyEngine copies, DeviceSlots slots, Uploads uploads, int most) {
        this.cache = cache;
        this.copies = copies;
        this.slots = slots;
        this.uploads = uploads;
        this.claimed = new int[most];
    }

    /** Throws {@link IllegalStateException} if so many more were too many. */
    void requireRoomFor(int more) {
        if (count + more > claimed.length) {
            throw new IllegalStateException(
                    count + more + " experts fetched and not computed, instead of " + claimed.length);
        }
    }

    /** Claims a choice's slots and lets computing wait for the whole experts on their way there; whether nothing is. */
    boolean claim(LayerChoice choice) {
        boolean allThere = true;
        awaitsUpload = false;
        for (int i = 0; i < choice.count(); i++) {
            int slot = choice.slots()[i];
            if (slot == ExpertCache.NONE) {
                allThere = false;
            } else {
                claimed[count++] = slot;
                allThere &= !isOnItsWay(slot);
            }
        }
        return allThere;
    }

    private boolean isOnItsWay(int slot) {
        long upload = slots.filled(slot);
        if (upload == CopyEngine.ENDED) {
            return false;
        }
        if (isBorrowed(slots.cacheSlot(slot))) {
            packed = upload;
        } else {
            copies.computeAfter(upload);
            awaitsUpload = true;
        }
        return true;
    }

    /** Whether computing waits for a whole expert that was claimed last. */
    boolean awaitsUpload() {
        return awaitsUpload;
    }

    /** Whether a claimed slot holds no expert of the cache, but parts of one. */
    private boolean isBorrowed(int cacheSlot) {
        return cache.expertIn(cacheSlot) == ExpertCache.NONE;
    }

    /** Lets computing that is put in from now on wait for the leading parts that were claimed last. */
    void computeAfterParts() {
        copies.computeAfter(packed);
        packed = CopyEngine.ENDED;
    }

    /** The computing was put in, up to {@code ticket}: gives all back. */
    void computed(long ticket) {
        for (; count > 0; count--) {
            int slot = claimed[count - 1];
            int cacheSlot = slots.cacheSlot(slot);
            slots.used(slot, ticket);
            cache.release(cacheSlot);
            if (isBorrowed(cacheSlot)) {
                // It was borrowed: what lies there completes no expert.
                uploads.giveUp(slot);
            }
        }
    }

    /** All are void. */
    void reset() {
        count = 0;
        packed = CopyEngine.ENDED;
    }
}
