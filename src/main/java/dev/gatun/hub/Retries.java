package dev.gatun.hub;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** Waits before a request is made again, longer each time, until it is enough. */
final class Retries {
    private final Pace pace;

    Retries(Pace pace) {
        this.pace = pace;
    }

    /** A request that may be made again. */
    @FunctionalInterface
    interface Attempt<T> {
        T make() throws TransientException, InterruptedException;
    }

    /**
     * Makes a request until it goes well.
     *
     * @throws HubException if it did not in all attempts
     */
    <T> T of(Attempt<T> request) throws InterruptedException {
        for (int failures = 1; ; failures++) {
            try {
                return request.make();
            } catch (TransientException failure) {
                pauseAfter(failures, failure);
            }
        }
    }

    /**
     * Waits as long as the server asks or the number of failures in a row suggests.
     *
     * @throws HubException if that was the last attempt, or the server asks for too long
     */
    void pauseAfter(int failures, TransientException failure) throws InterruptedException {
        Duration pause = failure.pause().orElseGet(() -> growing(failures));
        if (pause.compareTo(pace.longestPause()) > 0) {
            throw new HubException(
                    failure.getMessage() + " and asks to wait " + pause.toSeconds()
                            + " seconds; run the command again then",
                    failure);
        }
        if (failures >= pace.attempts()) {
            throw new HubException(
                    failure.getMessage() + ", " + failures
                            + " times in a row; run the command again later: it goes on where" + " it ended",
                    failure);
        }
        Thread.sleep(pause);
    }

    /** A little of it is chance, so that connections which failed together do not come back together. */
    private Duration growing(int failures) {
        Duration pause = pace.firstPause().multipliedBy(1L << Math.min(failures - 1, 16));
        return pause.plusMillis(ThreadLocalRandom.current().nextLong(1 + pause.toMillis() / 4));
    }
}
