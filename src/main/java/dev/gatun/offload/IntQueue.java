package dev.gatun.offload;

/** Slots or blocks that are free, oldest first; as many as were said at most. */
final class IntQueue {
    private final int[] items;
    private int first;
    private int size;

    IntQueue(int capacity) {
        items = new int[Math.max(1, capacity)];
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(int item) {
        if (size == items.length) {
            throw new IllegalStateException("more than " + size + " are free");
        }
        items[(first + size++) % items.length] = item;
    }

    int remove() {
        if (size == 0) {
            throw new IllegalStateException("none is free");
        }
        int item = items[first];
        first = (first + 1) % items.length;
        size--;
        return item;
    }

    void clear() {
        size = 0;
    }
}
