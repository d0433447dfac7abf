package dev.gatun.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * The host's side of {@link PublishedChoices}: reads words that routers write, and makes room for the next ones.
 *
 * <p>A word is the chunk's sequence number in its lowest 8 bits, never 0 there, and 7 bits for each id above. The host sets a
 * word to 0 once it was read, so what a later chunk with the same number finds is never an old word.
 */
final class ChoiceWords {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final int SEQUENCE_BITS = 8;
    private static final int ID_BITS = 7;
    private static final int SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1;
    private static final int ID_MASK = (1 << ID_BITS) - 1;

    private final MemorySegment words;
    private final int tokens;
    private final int topK;
    private final boolean[] seen = new boolean[1 << ID_BITS];

    /**
     * Reads these words.
     *
     * @param words int64 [places][tokens]
     */
    ChoiceWords(MemorySegment words, int tokens, int topK) {
        this.words = words;
        this.tokens = tokens;
        this.topK = topK;
    }

    /** The sequence number that follows. */
    static int next(int sequence) {
        return sequence % SEQUENCE_MASK + 1;
    }

    /** Ids of a token's choice. */
    int topK() {
        return topK;
    }

    /** The most tokens of a choice. */
    int tokens() {
        return tokens;
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
            long word = word(place, token);
            for (int rank = 0; rank < topK; rank++) {
                int id = id(word, rank);
                if (!seen[id]) {
                    seen[id] = true;
                    experts[chosen++] = id;
                }
            }
            WORD.setRelease(words, offset(place, token), 0L);
        }
        for (int i = 0; i < chosen; i++) {
            seen[experts[i]] = false;
        }
        return chosen;
    }

    /**
     * Reads choices that have come, and leaves them.
     *
     * @param ids receives them, [count][topK]
     */
    void read(int place, int count, int[] ids) {
        for (int token = 0; token < count; token++) {
            long word = word(place, token);
            for (int rank = 0; rank < topK; rank++) {
                ids[token * topK + rank] = id(word, rank);
            }
        }
    }

    /** Forgets everything that came; nothing that could write is in work. */
    void clear() {
        words.fill((byte) 0);
    }

    private static int id(long word, int rank) {
        return (int) (word >>> (SEQUENCE_BITS + rank * ID_BITS)) & ID_MASK;
    }

    private long word(int place, int token) {
        return (long) WORD.getAcquire(words, offset(place, token));
    }

    private long offset(int place, int token) {
        return ((long) place * tokens + token) * Long.BYTES;
    }
}
