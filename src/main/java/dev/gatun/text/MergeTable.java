package dev.gatun.text;

import java.util.Arrays;

/**
 * Which two neighbouring tokens join, how early, and into what. The rank of a merge is its place in the file: lower ranks
 * join first. A hash table with open addressing, because a lookup is the inner loop of the encoder.
 */
final class MergeTable {
    private static final long EMPTY = -1;

    private final long[] pairs;
    private final int[] ranks;
    private final int[] joined;
    private final int mask;

    /**
     * Makes the table of {@code left.length} merges, the earliest first; of equal pairs the last counts.
     *
     * @param joined what each pair becomes
     */
    MergeTable(int[] left, int[] right, int[] joined) {
        int slots = Integer.highestOneBit(Math.max(4, left.length) * 2) * 2;
        this.pairs = new long[slots];
        this.ranks = new int[slots];
        this.joined = joined.clone();
        this.mask = slots - 1;
        Arrays.fill(pairs, EMPTY);
        for (int rank = 0; rank < left.length; rank++) {
            int slot = slot(pair(left[rank], right[rank]));
            pairs[slot] = pair(left[rank], right[rank]);
            ranks[slot] = rank;
        }
    }

    /** The rank at which two tokens join, or -1 if they never do. */
    int rank(int left, int right) {
        int slot = slot(pair(left, right));
        return pairs[slot] == EMPTY ? -1 : ranks[slot];
    }

    /** The token that the merge of a rank makes. */
    int joined(int rank) {
        return joined[rank];
    }

    private static long pair(int left, int right) {
        return ((long) left << 32) | right;
    }

    private int slot(long pair) {
        long mixed = pair * 0x9E3779B97F4A7C15L;
        int slot = (int) (mixed >>> 32) & mask;
        while (pairs[slot] != EMPTY && pairs[slot] != pair) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }
}
