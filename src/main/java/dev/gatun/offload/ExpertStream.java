package dev.gatun.offload;

import java.util.Arrays;

/**
 * The experts that many tokens need at once, layer by layer, each uploaded once: for the prompt. Uploads run ahead of the
 * computing as far as there are slots, into the next layers too if all experts are needed, and the host waits for nothing.
 *
 * <pre>
 * ExpertStream stream = fetcher.stream(true);
 * for each layer:
 *     resident = stream.begin(layer, experts, count, residentExperts, residentSlots);
 *     put in the computing with those
 *     while (stream.next()):
 *         put in the computing with stream.expert() in stream.slot()
 *         stream.done(stream.slot());
 * stream.close();
 * </pre>
 *
 * <p>In a stream of chosen experts the host may compute some of the {@link #absent} ones, as {@link PromptRoads} says.
 *
 * <p>No resident expert is evicted. Absent ones take free slots of the cache, where there are any, and stay; the others pass
 * through the staging slots, whose former experts are forgotten. With two or more of these, one fills while another is
 * computed with; with one, uploads and computing take turns. In the host nothing moves, whatever its mode.
 */
public final class ExpertStream {
    private final ExpertCache cache;
    private final CacheShape shape;
    private final CopyEngine copies;
    private final DeviceSlots slots;
    private final Uploads uploads;
    private final HostBlocks host;
    private final FetchTally tally;
    private final IntQueue free;
    /** Experts whose upload was put in and that were not handed out. */
    private final TicketQueue ahead;

    private final boolean[] coming;
    private final boolean[] needed;
    private boolean open;
    private boolean all;
    private int layer;
    private int cursor;
    private int end;
    private int expert;
    private int slot;
    /** Staging slots that may be computed with and were not given back. */
    private int handedOut;

    ExpertStream(
            ExpertCache cache,
            CopyEngine copies,
            DeviceSlots slots,
            Uploads uploads,
            HostBlocks host,
            FetchTally tally) {
        this.cache = cache;
        this.shape = cache.shape();
        this.copies = copies;
        this.slots = slots;
        this.uploads = uploads;
        this.host = host;
        this.tally = tally;
        this.free = new IntQueue(shape.staging());
        this.ahead = new TicketQueue(shape.allExperts());
        this.coming = new boolean[shape.allExperts()];
        this.needed = new boolean[shape.experts()];
    }

    boolean isOpen() {
        return open;
    }

    /** Begins anew. Nothing is claimed, and no guess is on its way. */
    void open(boolean allExperts) {
        requireState(!open, "the last stream was not closed");
        requireState(shape.staging() > 0 || shape.holdsAll(), "there is no staging slot");
        for (int staging = shape.slots(); staging < shape.allSlots(); staging++) {
            cache.forget(staging);
            uploads.giveUp(slots.behind(staging));
            free.add(slots.behind(staging));
        }
        Arrays.fill(coming, false);
        all = allExperts;
        layer = ExpertCache.NONE;
        open = true;
    }

    /**
     * Finds what the host could compute instead: the caller leaves these out when it begins the layer, and reads them from
     * {@link ExpertFetcher#block}, where they stay until the stream is closed. Not for a stream of all experts, which runs
     * ahead.
     *
     * @param experts different experts of a layer, in the first {@code count} elements
     * @param absent receives those that {@link #begin} would upload and whose blocks can be read
     * @return how many these are
     */
    public int absent(int layer, int[] experts, int count, int[] absent) {
        requireState(open && !all, "no stream of chosen experts is open");
        int found = 0;
        for (int i = 0; i < count; i++) {
            boolean isAbsent = cache.slotOf(layer, experts[i]) == ExpertCache.NONE;
            if (isAbsent && uploads.hasEnded(host.readable(shape.number(layer, experts[i])))) {
                absent[found++] = experts[i];
            }
        }
        return found;
    }

    /**
     * The host has computed experts that were left out.
     *
     * @param bytes of blocks that it read
     * @param nanos how long it took
     */
    public void hostComputed(int experts, long bytes, long nanos) {
        for (int expert = 0; expert < experts; expert++) {
            tally.computed();
        }
        tally.computing(bytes, nanos);
    }

    /**
     * Begins a layer, and lets the computing that is put in next wait for those of its experts that are resident or on their
     * way to slots of the cache since before.
     *
     * @param layer with all experts, the first one or the one after the last
     * @param experts different experts of the layer, in the first {@code count} elements; in a stream of all experts, all
     * @param residentExperts receives those that can be computed with
     * @param residentSlots receives the slot of each of these
     * @return how many these are; the others come by {@link #next}
     * @throws IllegalStateException if some of the last layer's experts were not handed out
     */
    public int begin(int layer, int[] experts, int count, int[] residentExperts, int[] residentSlots) {
        requireState(open, "the stream is closed");
        requireState(this.layer == ExpertCache.NONE || !isLeft(), "the last layer was not finished");
        if (all && (count != shape.experts() || (this.layer != ExpertCache.NONE && layer != this.layer + 1))) {
            throw new IllegalArgumentException(
                    count + " experts of layer " + layer + " after layer " + this.layer + ", instead of all in order");
        }
        if (!all || this.layer == ExpertCache.NONE) {
            cursor = layer * shape.experts();
            end = all ? shape.allExperts() : cursor + shape.experts();
        }
        this.layer = layer;
        Arrays.fill(needed, all);
        int resident = 0;
        for (int i = 0; i < count; i++) {
            needed[experts[i]] = true;
            int cacheSlot = cache.slotOf(layer, experts[i]);
            if (cacheSlot != ExpertCache.NONE && !coming[shape.number(layer, experts[i])]) {
                residentExperts[resident] = experts[i];
                residentSlots[resident++] = resident(slots.behind(cacheSlot));
            }
        }
        runAhead();
        return resident;
    }

    private int resident(int slot) {
        if (slots.filled(slot) != CopyEngine.ENDED) {
            copies.computeAfter(slots.filled(slot));
        }
        return slot;
    }

    /** Puts in uploads as long as there are slots. */
    private void runAhead() {
        while (cursor < end && (!isAbsent(cursor) || putIn(cursor))) {
            cursor++;
        }
    }

    private boolean isAbsent(int number) {
        int of = number % shape.experts();
        return needed[of] && cache.slotOf(number / shape.experts(), of) == ExpertCache.NONE;
    }

    private boolean putIn(int number) {
        int cacheSlot = cache.warm(number / shape.experts(), number % shape.experts());
        if (cacheSlot == ExpertCache.NONE && free.isEmpty()) {
            return false;
        }
        boolean stays = cacheSlot != ExpertCache.NONE;
        int target = stays ? slots.behind(cacheSlot) : free.remove();
        long ticket = stays ? uploads.rest(number, target, 0) : uploads.part(number, target, 0, uploads.blockBytes());
        ahead.add(number, target, ticket);
        coming[number] = true;
        tally.streamed();
        return true;
    }

    /** Whether the layer has experts that were not handed out. */
    private boolean isLeft() {
        int last = (layer + 1) * shape.experts();
        if (!ahead.isEmpty()) {
            return ahead.item() < last;
        }
        runAheadOverPresent();
        return cursor < Math.min(end, last);
    }

    private void runAheadOverPresent() {
        while (cursor < end && !isAbsent(cursor)) {
            cursor++;
        }
    }

    /**
     * Goes to the next absent expert of the layer, and lets the computing that is put in next wait for its upload.
     *
     * @return whether there was one
     * @throws IllegalStateException if it needs a slot and none was given back by {@link #done}
     */
    public boolean next() {
        requireState(open && layer != ExpertCache.NONE, "no layer was begun");
        if (!isLeft()) {
            return false;
        }
        requireState(!ahead.isEmpty(), "every staging slot is in use");
        expert = ahead.item() % shape.experts();
        slot = ahead.place();
        coming[ahead.item()] = false;
        copies.computeAfter(ahead.ticket());
        ahead.remove();
        handedOut += slots.cacheSlot(slot) >= shape.slots() ? 1 : 0;
        return true;
    }

    /** The expert that {@link #next} went to. */
    public int expert() {
        return expert;
    }

    /** The slot of the device where it lies. */
    public int slot() {
        return slot;
    }

    /** The computing with the expert in {@code slot} was put in: once it has ended, another one may be uploaded there. */
    public void done(int slot) {
        if (slots.cacheSlot(slot) >= shape.slots()) {
            slots.used(slot, copies.computed());
            free.add(slot);
            handedOut--;
        }
        runAhead();
    }

    /** Ends the stream; {@link ExpertFetcher#fetch} goes on with the cache. */
    public void close() {
        requireState(open, "the stream is closed");
        long ticket = copies.computed();
        // What was given back keeps its own ticket: so the next part of a prompt is uploaded while this one is
        // computed.
        int last = handedOut == 0 ? shape.slots() : shape.allSlots();
        for (int cacheSlot = 0; cacheSlot < last; cacheSlot++) {
            slots.used(slots.behind(cacheSlot), ticket);
        }
        host.computed(ticket);
        reset();
    }

    /** What is on its way is of no use. */
    void reset() {
        ahead.clear();
        free.clear();
        handedOut = 0;
        open = false;
    }

    private static void requireState(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }
}
