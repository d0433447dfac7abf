package dev.gatun.text;

import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Byte-pair encoding: a word becomes one symbol a character, then the neighbouring pair of the lowest rank joins, the
 * leftmost of equals, until none is left. Linked symbols and a heap of pairs: n log n in the word's length. Holds scratch
 * memory: one instance per call of the tokenizer, one thread.
 */
final class BpeEncoder {
    private static final int NONE = -1;

    private final BpeModel model;
    private final int[] bytePieces;
    private final TokenIds out;
    private final LongHeap pairs = new LongHeap();
    /** One entry a symbol: its token, or NONE once it joined its left neighbour. */
    private int[] token = new int[32];

    private int[] previous = new int[32];
    private int[] next = new int[32];
    private int size;
    /** Whether an unknown token has been met that is not among the symbols yet. */
    private boolean pendingUnknown;

    BpeEncoder(BpeModel model, int[] bytePieces, TokenIds out) {
        this.model = model;
        this.bytePieces = bytePieces;
        this.out = out;
    }

    /** Appends the tokens of one word, which may be a whole text with spaces replaced. */
    void encode(String word) {
        if (model.ignoreMerges()) {
            OptionalInt whole = model.vocabulary().id(word);
            if (whole.isPresent()) {
                out.add(whole.getAsInt());
                return;
            }
        }
        if (model.boundary().isEmpty()) {
            encode(word, 0, word.length());
            return;
        }
        int boundary = model.boundary().getAsInt();
        int start = 0;
        while (start < word.length()) {
            int end = nextBoundary(word, start, boundary);
            encode(word, start, end);
            start = end;
        }
    }

    /** Where the boundary character next follows another character. */
    private static int nextBoundary(String word, int start, int boundary) {
        int at = start;
        while (at < word.length() && word.charAt(at) == boundary) {
            at++;
        }
        int end = word.indexOf(boundary, at);
        return end < 0 ? word.length() : end;
    }

    private void encode(String word, int start, int end) {
        size = 0;
        for (int at = start; at < end; ) {
            int codePoint = word.codePointAt(at);
            addCharacter(codePoint);
            at += Character.charCount(codePoint);
        }
        flushUnknown();
        joinPairs();
        for (int symbol = 0; symbol < size; symbol++) {
            if (token[symbol] != NONE) {
                out.add(token[symbol]);
            }
        }
    }

    private void addCharacter(int codePoint) {
        int id = model.vocabulary().character(codePoint);
        if (id != NONE) {
            flushUnknown();
            addSymbol(id);
        } else if (!(model.byteFallback() && addBytes(codePoint))) {
            addUnknown();
        }
    }

    /** Adds a character's byte pieces, if it has them all. Leaves a pending unknown token pending, as the original does. */
    private boolean addBytes(int codePoint) {
        byte[] bytes = Vocabulary.utf8(codePoint);
        for (byte value : bytes) {
            if (bytePieces[value & 0xFF] == NONE) {
                return false;
            }
        }
        for (byte value : bytes) {
            addSymbol(bytePieces[value & 0xFF]);
        }
        return true;
    }

    private void addUnknown() {
        if (!model.fuseUnknown()) {
            flushUnknown();
        }
        pendingUnknown = true;
    }

    private void flushUnknown() {
        if (pendingUnknown) {
            addSymbol(model.unknown().orElseThrow());
            pendingUnknown = false;
        }
    }

    private void addSymbol(int id) {
        if (size == token.length) {
            token = Arrays.copyOf(token, 2 * size);
            previous = Arrays.copyOf(previous, 2 * size);
            next = Arrays.copyOf(next, 2 * size);
        }
        token[size] = id;
        previous[size] = size - 1;
        next[size] = size + 1;
        size++;
    }

    private void joinPairs() {
        for (int symbol = 0; symbol + 1 < size; symbol++) {
            pushPair(symbol, symbol + 1);
        }
        while (!pairs.isEmpty()) {
            long pair = pairs.pop();
            join((int) pair, model.merges().joined((int) (pair >>> 32)));
        }
    }

    private void pushPair(int left, int right) {
        int rank = model.merges().rank(token[left], token[right]);
        if (rank >= 0) {
            pairs.push(((long) rank << 32) | left);
        }
    }

    /**
     * Joins a symbol with the one after it. The heap's entry may be older than the symbols; like the original, this takes
     * it for good if the present pair makes the same token.
     */
    private void join(int left, int joined) {
        int right = next[left];
        if (token[left] == NONE || right >= size) {
            return;
        }
        int rank = model.merges().rank(token[left], token[right]);
        if (rank < 0 || model.merges().joined(rank) != joined) {
            return;
        }
        token[left] = joined;
        token[right] = NONE;
        next[left] = next[right];
        if (next[left] < size) {
            previous[next[left]] = left;
            pushPair(left, next[left]);
        }
        if (previous[left] >= 0) {
            pushPair(previous[left], left);
        }
    }
}
