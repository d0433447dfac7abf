package dev.gatun.hub;

import java.time.Duration;

/**
 * How hard a download tries.
 *
 * @param attempts of one request without progress
 * @param firstPause before the second attempt; each further one is twice as long
 * @param longestPause that a server may ask for
 * @param silence after which a connection counts as lost
 * @param partBytes how much one request asks for
 * @param connections at a time
 */
record Pace(
        int attempts, Duration firstPause, Duration longestPause, Duration silence, long partBytes, int connections) {
    /** For the networks people have. */
    static final Pace USUAL =
            new Pace(8, Duration.ofMillis(500), Duration.ofMinutes(5), Duration.ofSeconds(60), 128L << 20, 8);
}
