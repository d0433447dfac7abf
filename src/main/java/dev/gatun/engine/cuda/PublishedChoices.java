package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Routers' choices on their way to a host that waits for them without waiting for a stream: a word of mapped memory for each
 * token of each place, written by {@code route.cu} in one store.
 *
 * <p>A word is the chunk's sequence number in its lowest 8 bits, never 0 there, and 7 bits for each id above. The host sets a
 * word to 0 once it was read, so what a later chunk with the same number finds is never an old word.
 */
final class PublishedChoices implements AutoCloseable {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final int SEQUENCE_BITS = 8;
    private static final int ID_BITS = 7;
    private static final int SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1;
    private static final int ID_MASK = (1 << ID_BITS) - 1;

    private final PinnedBuffer words;
    private final int tokens;
    private final int topK;
    private final boolean[] seen = new boolean[1 << ID_BITS];

    /**
     * Takes memory.
     *
     * @param places choices that can be awaited at the same time
     * @param tokens the most tokens of a choice
     */
    PublishedChoices(CudaDevice device, int places, int tokens, int topK) {
        this.words = PinnedBuffer.allocate(device, (long) places * tokens * Long.BYTES);
        this.tokens = tokens;
        this.topK = topK;
    }

    /** The sequence number that follows. */
    static int next(int sequence) {
        return sequence % SEQUENCE_MASK + 1;
    }

    PinnedBuffer words() {
        return words;
    }

    /** The most tokens of a choice. */
    int tokens() {
        return tokens;
    }

    /** The first word of a place. */
    int firstWord(int place) {
        return place * tokens;
    }

    /** Whether the choices of {@code count} tokens have come. */
    boolean isThere(int place, int count, int sequence) {
        // They mostly come together, so the last one is asked for first.
        for (int token = count - 1; token >= 0; token--) {
            if ((word(place, token) & SEQUENCE_MASK) != sequence) {
                return false;
            }
        }
        return true;
    }

    /**
     * Reads choices that have come and makes room for the next.
     *
     * @param first the first of the tokens
     * @param count how many
     * @param experts receives each chosen expert once, the best of the first token first
     * @return how many those are
     */
    int take(int place, int first, int count, int[] experts) {
        int chosen = 0;
        for (int token = first; token < first + count; token++) {
            long ids = word(place, token) >>> SEQUENCE_BITS;
            for (int rank = 0; rank < topK; rank++) {
                int id = (int) (ids >>> (rank * ID_BITS)) & ID_MASK;
                if (!seen[id]) {
                    seen[id] = true;
                    experts[chosen++] = id;
                }
            }
            WORD.setRelease(words.segment(), offset(place, token), 0L);
        }
        for (int i = 0; i < chosen; i++) {
            seen[experts[i]] = false;
        }
        return chosen;
    }

    /** Forgets everything that came; nothing that could write is in work. */
    void clear() {
        words.segment().fill((byte) 0);
    }

    private long word(int place, int token) {
        return (long) WORD.getAcquire(words.segment(), offset(place, token));
    }

    private long offset(int place, int token) {
        return (firstWord(place) + (long) token) * Long.BYTES;
    }

    @Override
    public void close() {
        words.close();
    }
}
