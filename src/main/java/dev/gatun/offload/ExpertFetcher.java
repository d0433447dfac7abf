package dev.gatun.offload;

/**
 * Brings experts into slots of the device: those a layer has chosen, and before that those it is likely to choose. One
 * thread calls it, in the order of the layers:
 *
 * <ol>
 *   <li>{@link #prefetch} with guesses for layers to come, and {@link #pump} again and again while the router's choice is
 *       awaited;
 *   <li>{@code fetch} once the choice is known: uploads what is absent, lets the computing that follows wait for it;
 *   <li>the caller puts that computing in;
 *   <li>{@link #computed} says so: the slots may be given to others from then on.
 * </ol>
 *
 * <p>With two roads ({@link RoadSplit}) the host computes what {@link #fetch(int, int[], int, int[], int[], Runnable)} leaves to it
 * beside that, says {@link #hostComputed}, and only then comes {@link #computed}; with {@link #putIn} before that, what else is
 * put in meanwhile does not hold up the slots. What the host computed may be copied behind it while the link is idle, so that
 * it is there the next time.
 *
 * <p>A prompt's many tokens need nearly all experts of a layer: {@link #stream} uploads each once, ahead of the computing.
 *
 * <p>What is needed goes before what is guessed: no chunk of a guess is put in while something needed is in flight. That
 * leaves the link idle for the few microseconds between the end of that and the next {@link #pump}; chunks put in behind
 * it would hold up the next layer's needs for longer.
 *
 * <p>The slots that it names are those of the {@link CopyEngine}, not of the {@link ExpertCache}.
 *
 * <p>Any method may throw {@link CopyFailedException} when a copy failed earlier, and whatever the copy engine throws;
 * after that only {@link #reset} and {@link #counts} may be called. On the way of a token nothing is allocated.
 */
public final class ExpertFetcher {
    private final ExpertCache cache;
    private final CacheShape shape;
    private final CopyEngine copies;
    private final DeviceSlots slots;
    private final FetchTally tally;
    private final HostBlocks host;
    private final Uploads uploads;
    private final PrefetchControl control;
    private final Chunks chunks;
    private final Prefetches prefetches;
    private final FollowControl follow;
    private final FollowUps followUps;
    private final LinkWatch link;
    private final PresentExperts present;
    private final MissingExperts missing;
    private final RoadRates rates;
    private final MissMode mode;
    private final ExpertStream stream;
    private final Claims claims;
    private final LayerChoice choice;
    private final int[] allParts;

    /** Whether something was fetched and not computed. */
    private boolean atWork;

    /** The ticket of the device's computing beside which the host's goes on; {@link CopyEngine#ENDED} if there is none. */
    private long putIn = CopyEngine.ENDED;

    /** Makes a fetcher for experts that all lie in the host, expert e of layer l in block l * experts + e. */
    public ExpertFetcher(
            ExpertCache cache, CopyEngine copies, long blockBytes, PrefetchSettings settings, RoadSplit split) {
        this(
                cache,
                copies,
                new DeviceSlots(cache.shape().allSlots(), cache.shape().allSlots()),
                new FetchTally(blockBytes),
                new InclusiveHost(cache),
                cache.shape().experts(),
                blockBytes,
                settings,
                split);
    }

    private ExpertFetcher(
            ExpertCache cache,
            CopyEngine copies,
            DeviceSlots slots,
            FetchTally tally,
            HostBlocks host,
            int mostAtOnce,
            long blockBytes,
            PrefetchSettings settings,
            RoadSplit split) {
        this.cache = cache;
        this.shape = cache.shape();
        this.copies = copies;
        this.slots = slots;
        this.tally = tally;
        this.host = host;
        this.uploads = new Uploads(copies, slots, host, tally, blockBytes);
        this.control = new PrefetchControl(settings.experts(), blockBytes, settings.chunkBytes());
        this.chunks = new Chunks(uploads);
        this.prefetches = new Prefetches(cache, slots, uploads, chunks, control, tally, settings.chunkBytes());
        this.follow = new FollowControl(shape.experts());
        this.followUps = new FollowUps(cache, slots, uploads, chunks, follow, settings.chunkBytes());
        this.link = new LinkWatch(uploads, split, tally);
        this.present = new PresentExperts(cache, slots, host, uploads, prefetches, followUps, follow, link);
        NeededUploads needed = new NeededUploads(cache, slots, host, uploads, prefetches, followUps, present, link);
        this.missing = new MissingExperts(cache, host, uploads, prefetches, followUps, needed, link, split, tally);
        this.rates = split.rates();
        this.mode = split.mode();
        this.stream = new ExpertStream(cache, copies, slots, uploads, host, tally);
        this.claims = new Claims(cache, copies, slots, uploads, mostAtOnce);
        this.choice = new LayerChoice(mostAtOnce);
        this.allParts = new int[mostAtOnce];
    }

    /**
     * Makes a fetcher for a host that holds only what is not on the device.
     *
     * @param cache an empty one, which then holds what the layout says
     * @param layout where each expert lies, complete
     */
    public static ExpertFetcher exclusive(
            ExpertCache cache,
            CopyEngine copies,
            long blockBytes,
            PrefetchSettings settings,
            ExclusiveLayout layout,
            RoadSplit split) {
        if (!layout.shape().equals(cache.shape())) {
            throw new IllegalArgumentException("the layout is for " + layout.shape() + ", not for " + cache.shape());
        }
        DeviceSlots slots = new DeviceSlots(cache.shape().allSlots(), layout.slots());
        FetchTally tally = new FetchTally(blockBytes);
        HostBlocks host = new ExclusiveHost(cache, copies, slots, tally, layout, blockBytes);
        return new ExpertFetcher(
                cache, copies, slots, tally, host, layout.expertsPerToken(), blockBytes, settings, split);
    }

    /**
     * Has experts of a layer ready for the computing that is put in next, all of them on the device.
     *
     * <p>This and the other fetch are the only methods where the host can wait, and only when the caller runs ahead of the
     * device: if an expert can get no slot but one whose upload, put in for an earlier layer, is in flight, it polls until
     * that has ended. A caller that computed with the layer before, and knows the choice of this one by that, never waits.
     *
     * @param experts different experts, in the first {@code count} elements
     * @param result receives for each the slot of the device where it lies
     * @return whether all of them were there: nothing was uploaded, nor was on its way
     * @throws IllegalStateException if too much was fetched before and not {@link #computed}: more than a layer's experts
     */
    public boolean fetch(int layer, int[] experts, int count, int[] result) {
        begin(layer, experts, count, result, allParts);
        present.claim(choice, missing.parts());
        missing.fetch(choice);
        return claims.claim(choice);
    }

    /**
     * Has experts of a layer ready for the computing that is put in next, on the device or, as the {@link RoadSplit} says,
     * in the host. What the host is to compute it reads from {@link #block}, tells {@link #hostComputed}, and must have
     * ended before {@link #computed} is called.
     *
     * <p>Putting copies in takes a while. So the host may begin when the division is known, before the first copy is put in.
     *
     * @param experts different experts, in the first {@code count} elements
     * @param result receives for each the slot of the device where it or its leading parts lie; {@link ExpertCache#NONE} for
     *     one that the host computes whole
     * @param parts receives for each how many of its leading parts the device computes: all, as of an expert that lies there
     *     whole; or fewer, of one that lies there packed, and the host computes the others. {@link #computeAfterParts} is
     *     called before computing with those is put in
     * @param hostBegins is called if the host computes anything, when {@code parts} is complete; it may call {@link #block}
     * @return whether all of them were there whole: nothing was uploaded, nor was on its way, nor is left to the host
     * @throws IllegalStateException as by the other fetch
     */
    public boolean fetch(int layer, int[] experts, int count, int[] result, int[] parts, Runnable hostBegins) {
        begin(layer, experts, count, result, parts);
        if (mode == MissMode.FETCH) {
            present.claim(choice, missing.parts());
            missing.fetch(choice);
        } else {
            missing.reconsider(choice);
            present.claim(choice, missing.parts());
            if (missing.divide(choice)) {
                hostBegins.run();
            }
            missing.upload(choice);
        }
        return claims.claim(choice);
    }

    private void begin(int layer, int[] experts, int count, int[] result, int[] parts) {
        requireNoStream();
        claims.requireRoomFor(count);
        settle();
        prefetches.judge(layer, experts, count);
        link.choose(chunks.inFlight());
        choice.set(shape, layer, experts, count, result, parts);
        follow.chosen(choice);
        atWork = true;
    }

    /**
     * Whether the computing that is put in after the last fetch waits for the upload of a whole expert. What the host computes
     * it does not wait for, nor for parts before {@link #computeAfterParts}.
     */
    public boolean awaitsUpload() {
        return claims.awaitsUpload();
    }

    /**
     * Lets computing that is put in from now on begin when the leading parts have arrived that the last fetch has uploaded:
     * what was put in before, with whole experts, does not wait for them.
     */
    public void computeAfterParts() {
        claims.computeAfterParts();
    }

    private void requireNoStream() {
        if (stream.isOpen()) {
            throw new IllegalStateException("the stream was not closed");
        }
    }

    /**
     * The block of the host that holds an expert which the host computes, whole or in part; valid until {@link #computed}, or
     * until the stream is closed.
     *
     * @throws IllegalStateException if it may not be read
     */
    public int block(int layer, int expert) {
        int number = shape.number(layer, expert);
        int block = host.block(number);
        if (block == ExpertCache.NONE || !uploads.hasEnded(host.readable(number))) {
            throw new IllegalStateException("layer " + layer + " expert " + expert + " is not in the host");
        }
        return block;
    }

    /**
     * The host has ended its part of the layer. To be called without delay: what the link still has to do then is time in
     * which the one road waits for the other.
     *
     * @param bytes of blocks that it read
     * @param nanos how long it took from when it was asked
     */
    public void hostComputed(long bytes, long nanos) {
        tally.computing(bytes, nanos);
        rates.computed(bytes, nanos);
        link.hostEnded();
    }

    /**
     * The device's computing with what was fetched since the last {@link #computed} was put in, and the host computes still.
     * Slots may be given to others when that computing has ended, whatever is put in behind it before {@link #computed}.
     */
    public void putIn() {
        putIn = copies.computed();
    }

    /** The computing with what was fetched since the last call was put in, and the host has ended its part. */
    public void computed() {
        long ticket = putIn == CopyEngine.ENDED ? copies.computed() : putIn;
        putIn = CopyEngine.ENDED;
        atWork = false;
        host.computed(ticket);
        claims.computed(ticket);
    }

    /**
     * Uploads experts to the slots of the cache that are free, as many as its policy admits, to begin with: a host that
     * computes what is missing copies little, and that late. Waits for them.
     */
    public void fill() {
        for (int expert = 0; expert < shape.experts(); expert++) {
            for (int layer = 0; layer < shape.layers(); layer++) {
                int cacheSlot =
                        cache.slotOf(layer, expert) == ExpertCache.NONE ? cache.warm(layer, expert) : ExpertCache.NONE;
                if (cacheSlot != ExpertCache.NONE) {
                    uploads.rest(shape.number(layer, expert), slots.behind(cacheSlot), 0);
                }
            }
        }
        while (uploads.areInFlight()) {
            settle();
        }
    }

    /**
     * Wishes for experts that a layer is likely to choose. Those that are absent are copied as the link is free, by
     * {@link #pump}, unless the {@link PrefetchControl} found that this does not pay. They go to staging slots, or to
     * free slots of the cache, and evict nothing from it; one that is asked for is kept as if it had been fetched then.
     *
     * @param layer one to come
     * @param experts different guesses, likeliest first, in the first {@code count} elements
     */
    public void prefetch(int layer, int[] experts, int count) {
        requireNoStream();
        prefetches.add(layer, experts, count);
    }

    /** Goes on with what is wished for: to be called while nothing else is to be done. */
    public void pump() {
        settle();
        if (!atWork) {
            present.keepFollowUp();
        }
        if (!stream.isOpen() && !link.isBusy()) {
            chunks.retire();
            prefetches.pump();
            followUps.pump();
        }
    }

    /** Looks which copies have ended, without waiting. The other methods do so where they need it. */
    public void settle() {
        host.settle();
        boolean more = true;
        while (more) {
            more = present.settleOne();
        }
        link.look();
    }

    /**
     * Begins a prompt, or a part of one. Until the stream is closed nothing can be fetched. Wishes are given up, and so
     * is what the staging slots hold.
     *
     * @param allExperts whether every expert of every layer is needed: then uploads run ahead into the next layers
     * @throws IllegalStateException if something fetched was not {@link #computed}
     */
    public ExpertStream stream(boolean allExperts) {
        settle();
        prefetches.cancelAll();
        followUps.cancelAll();
        stream.open(allExperts);
        return stream;
    }

    /**
     * The way out after a failure: waits until nothing is in flight, and forgets what was; all claims are void, the
     * stream is closed. The next {@link #fetch} is right. In a host that holds only what is not on the device, an expert
     * is where the last of its moves that ended well took it, and some may be copied to make the groups full again. The host
     * must have ended what it computes.
     *
     * @throws CopyFailedException if such a copy fails; it can be called again
     */
    public void reset() {
        copies.drain();
        prefetches.reset();
        followUps.reset();
        follow.reset();
        chunks.reset();
        atWork = false;
        putIn = CopyEngine.ENDED;
        uploads.reset();
        stream.reset();
        slots.forgetTickets();
        claims.reset();
        link.reset();
        host.reset();
    }

    /** The slots of the cache. */
    public CacheShape shape() {
        return shape;
    }

    /** What is decided about guesses, and from what. */
    public PrefetchControl control() {
        return control;
    }

    /** What was done so far. */
    public FetchCounts counts() {
        return tally.counts(cache.counts(), control);
    }
}
