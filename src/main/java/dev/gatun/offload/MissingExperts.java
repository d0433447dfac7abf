package dev.gatun.offload;

/** Serves the experts of a layer that are not there: uploads them, whole or in part, or leaves them to the host. */
final class MissingExperts {
    private final ExpertCache cache;
    private final CacheShape shape;
    private final DeviceSlots slots;
    private final HostBlocks host;
    private final Uploads uploads;
    private final Prefetches prefetches;
    private final LinkWatch link;
    private final RoadChoice choice;
    private final RoadRates rates;
    private final FetchTally tally;

    MissingExperts(
            ExpertCache cache,
            DeviceSlots slots,
            HostBlocks host,
            Uploads uploads,
            Prefetches prefetches,
            LinkWatch link,
            RoadSplit split,
            FetchTally tally) {
        this.cache = cache;
        this.shape = cache.shape();
        this.slots = slots;
        this.host = host;
        this.uploads = uploads;
        this.prefetches = prefetches;
        this.link = link;
        this.choice = new RoadChoice(split, uploads.blockBytes());
        this.rates = split.rates();
        this.tally = tally;
    }

    /** Parts of an expert. */
    int parts() {
        return choice.parts();
    }

    /**
     * Before the cache is asked for a choice: gives up what is on its way where serving it as a miss ends earlier than
     * uploading the rest.
     */
    void reconsider(int layer, int[] experts, int count) {
        int misses = 0;
        for (int i = 0; i < count; i++) {
            misses += cache.slotOf(layer, experts[i]) == ExpertCache.NONE ? 1 : 0;
        }
        double ahead = link.ahead();
        for (int i = 0; i < count; i++) {
            int expert = layer * shape.experts() + experts[i];
            long left = prefetches.left(expert);
            if (left > 0) {
                double withRest = ahead + rates.linkSeconds(left, 1);
                if (isReadable(expert) && choice.seconds(misses + 1, ahead) < choice.seconds(misses, withRest)) {
                    prefetches.giveUp(expert);
                    misses++;
                } else {
                    ahead = withRest;
                }
            }
        }
    }

    /**
     * Uploads all that is missing.
     *
     * @param result the device's slots of the experts; {@link ExpertCache#NONE} for what is missing, which is filled in
     */
    void fetch(int layer, int[] experts, int count, int[] result) {
        for (int i = 0; i < count; i++) {
            if (result[i] == ExpertCache.NONE) {
                result[i] = upload(layer, experts[i]);
            }
        }
    }

    /**
     * Divides what is missing between the roads.
     *
     * @param result as for {@link #fetch}; stays {@link ExpertCache#NONE} for what the host computes whole
     * @param parts receives for each expert how many of its leading parts the device has
     */
    void divide(int layer, int[] experts, int count, int[] result, int[] parts) {
        int misses = 0;
        for (int i = 0; i < count; i++) {
            if (result[i] == ExpertCache.NONE && !isReadable(layer * shape.experts() + experts[i])) {
                result[i] = upload(layer, experts[i]);
            }
            parts[i] = result[i] == ExpertCache.NONE ? 0 : parts();
            misses += result[i] == ExpertCache.NONE ? 1 : 0;
        }
        if (misses > 0) {
            divide(layer, experts, result, parts, misses);
        }
    }

    private boolean isReadable(int expert) {
        return uploads.hasEnded(host.readable(expert));
    }

    private void divide(int layer, int[] experts, int[] result, int[] parts, int misses) {
        double ahead = link.ahead();
        int fetched = choice.fetched(misses, ahead, true);
        noteIdle(misses, fetched);
        int next = -1;
        for (int whole = 0; whole < fetched / parts(); whole++) {
            next = nextMiss(result, next);
            fetchWhole(layer, experts, next, result, parts);
        }
        int left = misses - fetched / parts();
        if (fetched % parts() > 0) {
            next = nextMiss(result, next);
            if (!cut(layer, experts[next], fetched % parts(), next, result, parts)
                    && choice.fetched(misses, ahead, false) > fetched) {
                fetchWhole(layer, experts, next, result, parts);
            }
            left -= parts[next] > 0 ? 1 : 0;
        }
        for (; left > 0; left--) {
            tally.computed();
        }
    }

    private void noteIdle(int misses, int fetched) {
        if (fetched == 0) {
            rates.linkIdle();
        } else if (fetched == misses * parts()) {
            rates.processorIdle();
        }
    }

    private static int nextMiss(int[] result, int after) {
        int next = after + 1;
        while (result[next] != ExpertCache.NONE) {
            next++;
        }
        return next;
    }

    private void fetchWhole(int layer, int[] experts, int index, int[] result, int[] parts) {
        result[index] = upload(layer, experts[index]);
        parts[index] = parts();
    }

    /** Uploads leading parts to a slot that is borrowed until the layer is computed; whether there was one. */
    private boolean cut(int layer, int expert, int leading, int index, int[] result, int[] parts) {
        int cacheSlot = cache.borrow();
        if (cacheSlot == ExpertCache.NONE) {
            return false;
        }
        int slot = slots.behind(cacheSlot);
        long bytes = choice.bytes(leading);
        link.needs(uploads.packed(layer * shape.experts() + expert, slot, leading, bytes), bytes);
        tally.split();
        result[index] = slot;
        parts[index] = leading;
        return true;
    }

    private int upload(int layer, int expert) {
        int number = layer * shape.experts() + expert;
        int cacheSlot = reserve(layer, expert);
        host.makeRoom(cacheSlot);
        int slot = slots.behind(cacheSlot);
        link.needs(uploads.rest(number, slot, 0), uploads.blockBytes());
        host.uploaded(number, cacheSlot);
        tally.fetched();
        return slot;
    }

    private int reserve(int layer, int expert) {
        int cacheSlot = cache.reserve(layer, expert);
        while (cacheSlot == ExpertCache.NONE) {
            if (!prefetches.cancelOne()) {
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
        while (!settleOne()) {
            Thread.onSpinWait();
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
        return true;
    }
}
