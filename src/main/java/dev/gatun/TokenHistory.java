package dev.gatun;

import java.util.Arrays;

/** The tokens of a session, oldest first; grows, shrinks at its end, never copies what is not asked for. */
final class TokenHistory {
    private int[] ids = new int[256];
    private int size;

    int size() {
        return size;
    }

    void add(int id) {
        if (size == ids.length) {
            ids = Arrays.copyOf(ids, size * 2);
        }
        ids[size++] = id;
    }

    void addAll(int[] more) {
        for (int id : more) {
            add(id);
        }
    }

    void truncate(int newSize) {
        size = newSize;
    }

    int[] range(int from, int to) {
        return Arrays.copyOfRange(ids, from, to);
    }

    /** The last {@code count} tokens, or all when there are fewer. */
    int[] last(int count) {
        return range(Math.max(0, size - count), size);
    }

    /** How many tokens from the start are those of {@code other}. */
    int commonPrefix(int[] other) {
        int mismatch = Arrays.mismatch(ids, 0, size, other, 0, other.length);
        return mismatch < 0 ? size : mismatch;
    }
}
