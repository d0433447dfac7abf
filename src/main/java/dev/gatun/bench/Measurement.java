package dev.gatun.bench;

import java.util.Optional;

/**
 * One run of a test.
 *
 * @param tokens processed or generated
 * @param seconds they took
 * @param cost of fetching experts; empty where the backend fetches none
 */
public record Measurement(int tokens, double seconds, Optional<FetchCost> cost) {
    /** Tokens a second. */
    public double rate() {
        return tokens / seconds;
    }
}
