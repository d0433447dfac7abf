package dev.gatun.offload;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What keys and values may take of a device's memory. Caches beyond it are refused when they are opened, so that nothing runs
 * out of memory later, in the middle of a text. Any thread may take and give back.
 */
public final class KeyValueBudget {
    private final long tokenBytes;
    private final long limit;
    private final AtomicLong taken = new AtomicLong();

    /**
     * Makes a budget.
     *
     * @param tokenBytes keys and values of a position in 16 bits, which says how many tokens are left
     * @param limit bytes of all caches that are open at once
     */
    public KeyValueBudget(long tokenBytes, long limit) {
        if (tokenBytes <= 0 || limit < 0) {
            throw new IllegalArgumentException("keys and values: " + limit + " bytes, " + tokenBytes + " a token");
        }
        this.tokenBytes = tokenBytes;
        this.limit = limit;
    }

    /** A budget that refuses nothing: the driver says what fits. */
    public static KeyValueBudget unlimited() {
        return new KeyValueBudget(1, Long.MAX_VALUE);
    }

    /**
     * Takes room for a cache, until the share is closed.
     *
     * @param tokens positions of the cache
     * @param bytes what it takes
     * @throws PlanException if that is more than is left; nothing is taken then
     */
    public Share take(int tokens, long bytes) {
        long before = taken.getAndUpdate(now -> bytes <= limit - now ? now + bytes : now);
        if (bytes > limit - before) {
            throw tooLittle(tokens, bytes, limit - before);
        }
        return new Share(bytes);
    }

    private PlanException tooLittle(int tokens, long bytes, long left) {
        return new PlanException(
                ("context: the keys and values of %d tokens need %d MiB, and %d MiB of the GPU memory that is"
                                + " planned for them are left (%d tokens in 16 bits); choose a shorter context, or plan for a"
                                + " longer one when the model is opened (ModelOptions.contextLength, --context)")
                        .formatted(tokens, Math.ceilDiv(bytes, 1L << 20), left >> 20, left / tokenBytes));
    }

    /** What one cache takes. Closing it again does nothing. */
    public final class Share implements AutoCloseable {
        private final long bytes;
        private final AtomicBoolean isTaken = new AtomicBoolean(true);

        private Share(long bytes) {
            this.bytes = bytes;
        }

        /** Gives it back. */
        @Override
        public void close() {
            if (isTaken.getAndSet(false)) {
                taken.addAndGet(-bytes);
            }
        }
    }
}
