package dev.gatun.bench;

import java.util.List;
import java.util.Optional;

/**
 * What a test gave.
 *
 * @param test what was done
 * @param runs each time it was done, warm-ups left out; at least one
 */
public record BenchResult(BenchTest test, List<Measurement> runs) {
    public BenchResult {
        runs = List.copyOf(runs);
        if (runs.isEmpty()) {
            throw new IllegalArgumentException("no runs of " + test.label());
        }
    }

    /** Tokens a second of each run. */
    public Samples rates() {
        return new Samples(runs.stream().map(Measurement::rate).toList());
    }

    /** Tokens of all runs together. */
    public long tokens() {
        return (long) runs.size() * test.tokens();
    }

    /** Seconds of all runs together. */
    public double seconds() {
        return runs.stream().mapToDouble(Measurement::seconds).sum();
    }

    /** What fetching experts cost in all runs together; empty where the backend fetches none. */
    public Optional<FetchCost> cost() {
        return runs.stream().map(Measurement::cost).flatMap(Optional::stream).reduce(FetchCost::plus);
    }

    /** Where the time of all runs went; empty where that was not measured. */
    public Optional<TimeCost> times() {
        return cost().flatMap(FetchCost::times);
    }
}
