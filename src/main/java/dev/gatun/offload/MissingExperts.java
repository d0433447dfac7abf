package dev.gatun.offload;

/** Serves the experts of a layer that are not there: uploads them, whole or in part, or leaves them to the host. */
final class MissingExperts {
    private final ExpertCache cache;
    private final CacheShape shape;
    private final DeviceSlots slots;
    private final HostBlocks host;
    private final Uploads uploads;
    private final Prefetches prefetches;
    private final FollowUps followUps;
    private final PresentExperts present;
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
            FollowUps followUps,
            PresentExperts present,
            LinkWatch link,
            RoadSplit split,
            FetchTally tally) {
        this.cache = cache;
        this.shape = cache.shape();
        this.slots = slots;
        this.host = host;
        this.uploads = uploads;
        this.prefetches = prefetches;
        this.followUps = followUps;
        this.present = present;
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
     * Before the cache is asked for a choice: finds what is on its way, and served as a miss ends earlier than the rest of its
     * upload. A guess is given up then; what follows the host's computing goes on to do that.
     *
     * @param left receives for each expert whether it is of the latter kind: the host computes it
     */
    void reconsider(int layer, int[] experts, int count, boolean[] left) {
        int misses = 0;
        int hosts = 0;
        for (int i = 0; i < count; i++) {
            left[i] = false;
            misses += cache.slotOf(layer, experts[i]) == ExpertCache.NONE ? 1 : 0;
        }
        double ahead = link.ahead();
        for (int i = 0; i < count; i++) {
            int expert = layer * shape.experts() + experts[i];
            long guess = prefetches.left(expert);
            long rest = guess + followUps.left(expert);
            if (rest == 0) {
                continue;
            }
            double withRest = ahead + rates.linkSeconds(rest, 1);
            double arrives = choice.seconds(misses, withRest, hosts);
            if (guess > 0 && isReadable(expert) && choice.seconds(misses + 1, ahead, hosts) < arrives) {
                prefetches.giveUp(expert);
                misses++;
            } else if (guess == 0 && choice.seconds(misses, ahead, hosts + 1) < arrives) {
                left[i] = true;
                hosts++;
            } else {
                ahead = withRest;
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
     * @param left what the host computes anyway
     * @param result as for {@link #fetch}; stays {@link ExpertCache#NONE} for what the host computes whole
     * @param parts receives for each expert how many of its leading parts the device has
     */
    void divide(int layer, int[] experts, int count, boolean[] left, int[] result, int[] parts) {
        int misses = 0;
        int hosts = 0;
        for (int i = 0; i < count; i++) {
            boolean missing = result[i] == ExpertCache.NONE && !left[i];
            if (missing && !isReadable(layer * shape.experts() + experts[i])) {
                result[i] = upload(layer, experts[i]);
                missing = false;
            }
            parts[i] = result[i] == ExpertCache.NONE ? 0 : parts();
            misses += missing ? 1 : 0;
            hosts += left[i] ? 1 : 0;
        }
        if (misses + hosts > 0) {
            divide(layer, experts, left, result, parts, misses, hosts);
            leaveToHost(layer, experts, count, parts);
        }
    }

    private void divide(int layer, int[] experts, boolean[] left, int[] result, int[] parts, int misses, int hosts) {
        double ahead = link.ahead();
        int fetched = choice.fetched(misses, ahead, hosts, true);
        noteIdle(fetched, (misses + hosts) * parts());
        int next = -1;
        for (int whole = 0; whole < fetched / parts(); whole++) {
            next = nextMiss(left, result, next);
            fetchWhole(layer, experts, next, result, parts);
        }
        if (fetched % parts() > 0) {
            next = nextMiss(left, result, next);
            if (!cut(layer, experts[next], fetched % parts(), next, result, parts)
                    && choice.fetched(misses, ahead, hosts, false) > fetched) {
                fetchWhole(layer, experts, next, result, parts);
            }
        }
    }

    private void noteIdle(int fetched, int all) {
        if (fetched == 0) {
            rates.linkIdle();
        } else if (fetched == all) {
            rates.processorIdle();
        }
    }

    private void leaveToHost(int layer, int[] experts, int count, int[] parts) {
        for (int i = 0; i < count; i++) {
            if (parts[i] == 0) {
                tally.computed();
            }
            if (parts[i] < parts()) {
                followUps.add(layer, experts[i]);
            }
        }
    }

    private boolean isReadable(int expert) {
        return uploads.hasEnded(host.readable(expert));
    }

    private static int nextMiss(boolean[] left, int[] result, int after) {
        int next = after + 1;
        while (result[next] != ExpertCache.NONE || left[next]) {
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
        if (cacheSlot == ExpertCache.NONE && followUps.cancelOne()) {
            cacheSlot = cache.borrow();
        }
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
}
