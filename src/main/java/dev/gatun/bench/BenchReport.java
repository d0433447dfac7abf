package dev.gatun.bench;

import dev.gatun.ExpertMisses;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What a benchmark reports.
 *
 * @param machine where it ran, in a few words, and when
 * @param subject what was measured
 * @param routing how a synthetic router chose, or empty for a real one
 * @param options those that are not the defaults, in a few words; empty if all are
 * @param misses what was done about experts that were not on the GPU
 * @param simulation what of another machine was simulated
 * @param ceilings what the machine can do at most
 * @param results of the tests, in their order
 */
public record BenchReport(
        String machine,
        BenchDescription subject,
        String routing,
        String options,
        ExpertMisses misses,
        Simulation simulation,
        Ceilings ceilings,
        List<BenchResult> results) {
    public BenchReport {
        results = List.copyOf(results);
    }

    /** The tokens a second that the machine allows for what a test did; empty where nothing is known. */
    public OptionalDouble bound(BenchResult result) {
        return new Bound(subject, misses, ceilings).of(result);
    }

    /** The mean rate's share of the bound. */
    public OptionalDouble shareOfBound(BenchResult result) {
        OptionalDouble bound = bound(result);
        return bound.isPresent() ? OptionalDouble.of(result.rates().mean() / bound.getAsDouble()) : bound;
    }
}
