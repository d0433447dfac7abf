package dev.gatun.offload;

import java.util.Arrays;

/**
 * Guesses on their way. They are queued here and not on the device, where nothing can be recalled: two chunks are in
 * flight at most, so whatever is needed waits for two chunks at most. A guess that was not needed when its layer was
 * there is dropped; what came of its copy is given up, since another layer is likelier to use the link well. Giving up
 * needs no waiting: whatever is uploaded to that slot next comes after its chunks.
 */
final class Prefetches {
    private static final int MOST_GUESSES = 64;

    private final ExpertCache cache;
    private final CacheShape shape;
    private final DeviceSlots slots;
    private final Uploads uploads;
    private final Chunks chunks;
    private final PrefetchControl control;
    private final FetchTally tally;
    private final long chunkBytes;
    /** The first {@code count} are in use: those for the next layer first, the oldest of a layer first. */
    private final Guess[] guesses = new Guess[MOST_GUESSES];

    private int count;
    private int lastLayer;

    Prefetches(
            ExpertCache cache,
            DeviceSlots slots,
            Uploads uploads,
            Chunks chunks,
            PrefetchControl control,
            FetchTally tally,
            long chunkBytes) {
        this.cache = cache;
        this.shape = cache.shape();
        this.slots = slots;
        this.uploads = uploads;
        this.chunks = chunks;
        this.control = control;
        this.tally = tally;
        this.chunkBytes = chunkBytes;
        this.lastLayer = shape.layers() - 1;
        Arrays.setAll(guesses, i -> new Guess());
    }

    /** Queues those of the guesses that are absent. */
    void add(int layer, int[] experts, int guessed) {
        for (int rank = 0; rank < Math.min(guessed, control.most()); rank++) {
            int expert = shape.number(layer, experts[rank]);
            boolean absent = cache.slotOf(layer, experts[rank]) == ExpertCache.NONE;
            if (absent && indexOf(expert) < 0 && count < MOST_GUESSES) {
                insert(layer).set(layer, expert, rank, rank < control.depth());
            }
        }
    }

    /** One behind those for the same layer and for layers before it. */
    private Guess insert(int layer) {
        Guess guess = guesses[count];
        int index = count++;
        for (; index > 0 && layersUntil(guesses[index - 1].layer) > layersUntil(layer); index--) {
            guesses[index] = guesses[index - 1];
        }
        guesses[index] = guess;
        return guess;
    }

    /** Layers that choose before {@code layer} does, from now on. */
    private int layersUntil(int layer) {
        return Math.floorMod(layer - lastLayer - 1, shape.layers());
    }

    private int indexOf(int expert) {
        for (int i = 0; i < count; i++) {
            if (guesses[i].expert == expert) {
                return i;
            }
        }
        return -1;
    }

    /** Puts in chunks until two are in flight. */
    void pump() {
        boolean goesOn = true;
        for (int i = 0; i < count && !chunks.isFull() && goesOn; i++) {
            goesOn = goOn(guesses[i]);
        }
    }

    /** Puts in chunks of a guess; whether those after it may have theirs. */
    private boolean goOn(Guess guess) {
        if (!guess.wanted || !(guess.isBegun() || begin(guess))) {
            return true;
        }
        // A chunk that had to wait for computing would hold up what is needed behind it.
        if (guess.copied == 0 && !uploads.wouldBegin(guess.expert, guess.slot)) {
            return false;
        }
        chunks.putIn(guess, chunkBytes);
        return true;
    }

    private boolean begin(Guess guess) {
        int expert = guess.expert % shape.experts();
        if (cache.slotOf(guess.layer, expert) != ExpertCache.NONE) {
            return false;
        }
        // Guesses must not take each other's staging slots.
        boolean mayStage = staged() < shape.staging();
        int slot = mayStage ? cache.prefetch(guess.layer, expert) : cache.warm(guess.layer, expert);
        if (slot == ExpertCache.NONE) {
            return false;
        }
        guess.slot = slots.behind(slot);
        tally.prefetchBegun();
        return true;
    }

    private int staged() {
        int staged = 0;
        for (int i = 0; i < count; i++) {
            staged += guesses[i].isBegun() && slots.cacheSlot(guesses[i].slot) >= shape.slots() ? 1 : 0;
        }
        return staged;
    }

    /** What was put in for a slot has arrived. */
    void arrived(int slot) {
        for (int i = 0; i < count; i++) {
            if (guesses[i].slot == slot && !guesses[i].whole && isThere(guesses[i])) {
                guesses[i].whole = true;
                tally.prefetchFinished();
            }
        }
    }

    /** Whether the slot of a guess is its own still. */
    private boolean isThere(Guess guess) {
        int slot = slots.cacheSlot(guess.slot);
        return slot != ExpertCache.NONE && cache.expertIn(slot) == guess.expert;
    }

    /**
     * A layer has chosen. Guesses for it and for layers that were passed since the last choice are compared with that;
     * only right ones with a slot are left, for {@link #use}. When a layer chooses for several tokens one after the
     * other, its first choice is what they are compared with.
     */
    void judge(int layer, int[] experts, int chosen) {
        chunks.retire();
        if (layer == lastLayer && shape.layers() > 1) {
            return;
        }
        for (int i = count - 1; i >= 0; i--) {
            Guess guess = guesses[i];
            if (layersUntil(guess.layer) <= layersUntil(layer)) {
                boolean right = guess.layer == layer && contains(experts, chosen, guess.expert % shape.experts());
                report(guess, right);
                if (!right || !guess.isBegun() || !isThere(guess)) {
                    drop(i);
                }
            }
        }
        lastLayer = layer;
    }

    private static boolean contains(int[] experts, int count, int expert) {
        for (int i = 0; i < count; i++) {
            if (experts[i] == expert) {
                return true;
            }
        }
        return false;
    }

    private void report(Guess guess, boolean right) {
        if (guess.isBegun()) {
            control.copied(guess.rank, right, guess.copied, guess.inFlight);
        } else {
            control.compared(guess.rank, right);
        }
    }

    /** Bytes of an expert that was begun and not put in whole; 0 for any other. */
    long left(int expert) {
        int index = indexOf(expert);
        if (index < 0 || !guesses[index].isBegun() || !isThere(guesses[index])) {
            return 0;
        }
        return uploads.blockBytes() - guesses[index].copied;
    }

    /** Gives up an expert that was begun. */
    void giveUp(int expert) {
        drop(indexOf(expert));
    }

    /** An expert was asked for and has a slot: if that is for a guess, the rest of it is uploaded at once. */
    long use(int expert) {
        int index = indexOf(expert);
        if (index < 0) {
            return CopyEngine.ENDED;
        }
        Guess guess = guesses[index];
        if (!guess.isBegun() || !isThere(guess)) {
            drop(index);
            return CopyEngine.ENDED;
        }
        // Whole or not, what is in flight of it is needed from now on.
        long ticket = slots.filled(guess.slot);
        if (guess.copied < uploads.blockBytes()) {
            ticket = uploads.rest(expert, guess.slot, guess.copied);
            guess.copied = uploads.blockBytes();
        }
        tally.prefetchUsed();
        remove(index);
        return ticket;
    }

    /** Gives one copy up that has not ended; whether there was one. */
    boolean cancelOne() {
        for (int i = count - 1; i >= 0; i--) {
            if (guesses[i].isBegun() && !guesses[i].whole) {
                drop(i);
                return true;
            }
        }
        return false;
    }

    /** Gives all guesses up. */
    void cancelAll() {
        while (count > 0) {
            drop(count - 1);
        }
    }

    private void drop(int index) {
        Guess guess = guesses[index];
        if (guess.isBegun()) {
            tally.prefetchWasted(guess.copied);
            if (!guess.whole) {
                cache.failed(slots.cacheSlot(guess.slot));
                uploads.giveUp(guess.slot);
                tally.prefetchCancelled();
            }
        }
        remove(index);
    }

    private void remove(int index) {
        Guess guess = guesses[index];
        chunks.forget(guess);
        count--;
        System.arraycopy(guesses, index + 1, guesses, index, count - index);
        guesses[count] = guess;
    }

    /** All is lost that was on its way. */
    void reset() {
        count = 0;
        lastLayer = shape.layers() - 1;
    }
}
