package dev.gatun.engine.cuda;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What somebody opened one after the other and owns. Closed in the reverse order of opening, all of it whatever fails; a
 * constructor that fails half-way gives its half back with {@link #closeAfter}. Not thread-safe.
 */
public final class Holdings implements AutoCloseable {
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    /** Makes one that holds nothing. */
    public Holdings() {}

    /** Closes it with the rest, and before what is there already. */
    public <T extends AutoCloseable> T remember(T resource) {
        opened.push(resource);
        return resource;
    }

    /** Closes all, and adds what goes wrong to a failure. */
    public void closeAfter(Throwable failure) {
        try {
            close();
        } catch (RuntimeException further) {
            failure.addSuppressed(further);
        }
    }

    /**
     * Closes all; calling it again does nothing.
     *
     * @throws RuntimeException the first that closing threw, with the others in it
     */
    @Override
    public void close() {
        RuntimeException first = null;
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (RuntimeException failure) {
                first = joined(first, failure);
            } catch (Exception impossible) {
                first = joined(first, new IllegalStateException(impossible));
            }
        }
        if (first != null) {
            throw first;
        }
    }

    private static RuntimeException joined(RuntimeException first, RuntimeException next) {
        if (first == null) {
            return next;
        }
        first.addSuppressed(next);
        return first;
    }
}
