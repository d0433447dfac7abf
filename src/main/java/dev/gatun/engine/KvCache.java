package dev.gatun.engine;

/**
 * The keys and values of one sequence for all layers. It knows how many positions are filled; where they lie is the
 * backend's business.
 *
 * <p>A forward pass writes past {@link #length()} and commits the new length only when all layers are enqueued, so a pass
 * that fails leaves the sequence as it was. Not thread-safe; whoever made it closes it, before the backend. To close it is
 * a call of the backend, which come from one thread at a time.
 */
public abstract class KvCache implements AutoCloseable {
    /** Positions of a sequence of usual length. */
    public static final int USUAL_CAPACITY = 8192;

    private final int capacity;
    private int length;

    /** Makes an empty cache for {@code capacity} positions. */
    protected KvCache(int capacity) {
        if (capacity <= 0) {
            throw new IllegalArgumentException("KV cache capacity: " + capacity + " is not positive");
        }
        this.capacity = capacity;
    }

    /** Positions there is room for. */
    public final int capacity() {
        return capacity;
    }

    /** Positions filled. */
    public final int length() {
        return length;
    }

    /** Forgets all positions from {@code newLength} on. */
    public final void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("cannot truncate a KV cache of " + length + " to " + newLength);
        }
        length = newLength;
    }

    /**
     * Checks that {@code tokens} more positions fit.
     *
     * @throws IllegalArgumentException if they do not
     */
    public final void requireRoom(int tokens) {
        if (tokens < 0 || tokens > capacity - length) {
            throw new IllegalArgumentException(
                    tokens + " tokens do not fit a KV cache filled " + length + " of " + capacity);
        }
    }

    /** Counts {@code tokens} positions as filled. */
    final void commit(int tokens) {
        requireRoom(tokens);
        length += tokens;
    }

    /** Frees the memory. */
    @Override
    public abstract void close();
}
