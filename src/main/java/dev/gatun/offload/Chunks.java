package dev.gatun.offload;

/**
 * Pieces of copies that nobody needs yet: two are in flight at most, whosever they are. What is needed cannot overtake them
 * on the link, and waits for these two at most.
 */
final class Chunks {
    private static final int MOST = 2;

    private final Uploads uploads;
    private final Guess[] of = new Guess[MOST];
    private final long[] tickets = new long[MOST];
    private final long[] sizes = new long[MOST];
    private int count;

    Chunks(Uploads uploads) {
        this.uploads = uploads;
    }

    /** Puts in pieces of a copy that has a slot, while there may be more in flight and it is not whole. */
    void putIn(Guess copy, long chunkBytes) {
        while (count < MOST && copy.copied < uploads.blockBytes()) {
            putInOne(copy, chunkBytes);
        }
    }

    /** Puts in one piece, if the copy is not whole. */
    void putInOne(Guess copy, long chunkBytes) {
        if (copy.copied < uploads.blockBytes()) {
            long bytes = Math.min(chunkBytes, uploads.blockBytes() - copy.copied);
            boolean last = copy.copied + bytes == uploads.blockBytes();
            tickets[count] = last
                    ? uploads.rest(copy.expert, copy.slot, copy.copied)
                    : uploads.part(copy.expert, copy.slot, copy.copied, bytes);
            of[count] = copy;
            sizes[count] = bytes;
            count++;
            copy.copied += bytes;
            copy.inFlight += bytes;
        }
    }

    /** Looks which have ended. */
    void retire() {
        while (count > 0 && uploads.hasEnded(tickets[0])) {
            if (of[0] != null) {
                of[0].inFlight -= sizes[0];
            }
            count--;
            System.arraycopy(of, 1, of, 0, count);
            System.arraycopy(tickets, 1, tickets, 0, count);
            System.arraycopy(sizes, 1, sizes, 0, count);
        }
    }

    /** Whether no more may be put in. */
    boolean isFull() {
        return count == MOST;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Bytes that are to arrive still, as far as one can say: half of the first piece has. */
    long inFlight() {
        long bytes = count == 0 ? 0 : -(sizes[0] / 2);
        for (int chunk = 0; chunk < count; chunk++) {
            bytes += sizes[chunk];
        }
        return bytes;
    }

    /** Its owner uses {@code copy} for something else from now on. */
    void forget(Guess copy) {
        for (int chunk = 0; chunk < count; chunk++) {
            of[chunk] = of[chunk] == copy ? null : of[chunk];
        }
    }

    /** Nothing is in flight. */
    void reset() {
        count = 0;
    }
}
