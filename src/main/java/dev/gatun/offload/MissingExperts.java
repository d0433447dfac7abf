package dev.gatun.offload;

/** Divides the experts of a layer that are not there between the two roads. */
final class MissingExperts {
    private final ExpertCache cache;
    private final HostBlocks host;
    private final Uploads uploads;
    private final Prefetches prefetches;
    private final FollowUps followUps;
    private final NeededUploads needed;
    private final LinkWatch link;
    private final RoadChoice roads;
    private final RoadRates rates;
    private final FetchTally tally;
    /** Of the present choice: experts that may go over either road, and experts that the host computes anyway. */
    private int misses;

    private int hosts;
    /** And those that only the link can bring, whose uploads are not put in yet. */
    private int unreadable;

    MissingExperts(
            ExpertCache cache,
            HostBlocks host,
            Uploads uploads,
            Prefetches prefetches,
            FollowUps followUps,
            NeededUploads needed,
            LinkWatch link,
            RoadSplit split,
            FetchTally tally) {
        this.cache = cache;
        this.host = host;
        this.uploads = uploads;
        this.prefetches = prefetches;
        this.followUps = followUps;
        this.needed = needed;
        this.link = link;
        this.roads = new RoadChoice(split, uploads.blockBytes());
        this.rates = split.rates();
        this.tally = tally;
    }

    /** Parts of an expert. */
    int parts() {
        return roads.parts();
    }

    /**
     * Before the cache is asked for a choice: finds what is on its way, and served as a miss ends earlier than the rest of its
     * upload. A guess is given up then; what follows the host's computing is left to the host again, and goes on following.
     */
    void reconsider(LayerChoice choice) {
        misses = 0;
        hosts = 0;
        for (int i = 0; i < choice.count(); i++) {
            misses += cache.slotOf(choice.layer(), choice.expert(i)) == ExpertCache.NONE ? 1 : 0;
        }
        double ahead = link.ahead();
        for (int i = 0; i < choice.count(); i++) {
            int expert = choice.number(i);
            long guess = prefetches.left(expert);
            long rest = guess + followUps.left(expert);
            if (rest == 0) {
                continue;
            }
            double withRest = ahead + rates.linkSeconds(rest, 1);
            double arrives = roads.seconds(misses, withRest, hosts);
            if (guess > 0 && isReadable(expert) && roads.seconds(misses + 1, ahead, hosts) < arrives) {
                prefetches.giveUp(expert);
                misses++;
            } else if (guess == 0 && isReadable(expert) && roads.seconds(misses, ahead, hosts + 1) < arrives) {
                choice.leave(i);
                hosts++;
            } else {
                ahead = withRest;
            }
        }
    }

    private boolean isReadable(int expert) {
        return uploads.hasEnded(host.readable(expert));
    }

    /** Uploads all that is missing. */
    void fetch(LayerChoice choice) {
        for (int i = 0; i < choice.count(); i++) {
            if (choice.isMissing(i)) {
                fetchWhole(choice, i);
            }
        }
        upload(choice);
    }

    private void fetchWhole(LayerChoice choice, int i) {
        choice.reserve(i, needed.reserve(choice.layer(), choice.expert(i)), parts());
        tally.fetched();
    }

    /** Puts in what slots were reserved for: whole experts first, since those are computed while leading parts arrive. */
    void upload(LayerChoice choice) {
        for (int i = 0; i < choice.count(); i++) {
            if (choice.isReserved(i) && choice.parts(i) == parts()) {
                choice.serve(i, needed.whole(choice.number(i), choice.reserved(i)), parts());
            }
        }
        for (int i = 0; i < choice.count(); i++) {
            if (choice.isReserved(i)) {
                int parts = choice.parts(i);
                choice.serve(i, needed.packed(choice.number(i), choice.reserved(i), parts, roads.bytes(parts)), parts);
            }
        }
    }

    /** Divides what is missing between the roads; whether the host has a share. {@link #upload} must follow. */
    boolean divide(LayerChoice choice) {
        misses = 0;
        hosts = 0;
        unreadable = 0;
        for (int i = 0; i < choice.count(); i++) {
            if (choice.isMissing(i) && !isReadable(choice.number(i))) {
                fetchWhole(choice, i);
                unreadable++;
            }
            misses += choice.isMissing(i) ? 1 : 0;
            hosts += choice.isLeft(i) ? 1 : 0;
        }
        if (misses + hosts == 0) {
            return false;
        }
        useLink(choice);
        return useHost(choice);
    }

    private void useLink(LayerChoice choice) {
        double ahead = link.ahead() + rates.linkSeconds(unreadable * roads.bytes(parts()), unreadable);
        int fetched = roads.fetched(misses, ahead, hosts, true);
        if (fetched == 0) {
            rates.linkIdle();
        }
        for (int whole = 0; whole < fetched / parts(); whole++) {
            fetchWhole(choice, nextMiss(choice));
        }
        if (fetched % parts() > 0) {
            int next = nextMiss(choice);
            if (!cut(choice, next, fetched % parts()) && roads.fetched(misses, ahead, hosts, false) > fetched) {
                fetchWhole(choice, next);
            }
        }
    }

    /** The one that was asked for most often while it waited to follow the host: fetched whole, it stays. */
    private int nextMiss(LayerChoice choice) {
        int next = ExpertCache.NONE;
        for (int i = 0; i < choice.count(); i++) {
            boolean first = next == ExpertCache.NONE;
            if (choice.isMissing(i)
                    && (first || followUps.asked(choice.number(i)) > followUps.asked(choice.number(next)))) {
                next = i;
            }
        }
        return next;
    }

    private boolean cut(LayerChoice choice, int i, int leadingParts) {
        int cacheSlot = needed.borrow();
        if (cacheSlot == ExpertCache.NONE) {
            return false;
        }
        choice.reserve(i, cacheSlot, leadingParts);
        tally.split();
        return true;
    }

    private boolean useHost(LayerChoice choice) {
        boolean some = false;
        for (int i = 0; i < choice.count(); i++) {
            if (choice.isElsewhere(i)) {
                choice.serve(i, ExpertCache.NONE, 0);
                tally.computed();
            }
            if (choice.parts(i) < parts()) {
                followUps.add(choice.layer(), choice.expert(i));
                some = true;
            }
        }
        if (!some) {
            rates.processorIdle();
        }
        return some;
    }
}
