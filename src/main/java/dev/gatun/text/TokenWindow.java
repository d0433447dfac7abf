package dev.gatun.text;

/** The last tokens of a sequence, prompt and continuation alike. Not thread-safe. */
public final class TokenWindow {
    private final int[] ring;
    private long added;

    /**
     * Makes an empty window.
     *
     * @param capacity how many tokens it remembers, 0 or more
     * @throws IllegalArgumentException if it is negative
     */
    public TokenWindow(int capacity) {
        if (capacity < 0) {
            throw new IllegalArgumentException("token window: %d; it must be 0 or more".formatted(capacity));
        }
        this.ring = new int[capacity];
    }

    /** Takes the next token; forgets the oldest if full. */
    public void add(int id) {
        if (ring.length > 0) {
            ring[(int) (added++ % ring.length)] = id;
        }
    }

    /** Takes the next tokens in order. */
    public void addAll(int[] ids) {
        for (int id : ids) {
            add(id);
        }
    }

    /** How many tokens it remembers now. */
    public int size() {
        return (int) Math.min(added, ring.length);
    }

    /**
     * A token by its age.
     *
     * @param age 0 for the last one
     * @throws IndexOutOfBoundsException unless it is below {@link #size}
     */
    public int recent(int age) {
        if (age < 0 || age >= size()) {
            throw new IndexOutOfBoundsException("token of age %d in a window of %d".formatted(age, size()));
        }
        return ring[(int) ((added - 1 - age) % ring.length)];
    }
}
