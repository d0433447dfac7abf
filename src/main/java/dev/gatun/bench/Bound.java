package dev.gatun.bench;

import dev.gatun.ExpertMisses;
import dev.gatun.offload.ModelSizes;
import java.util.OptionalDouble;

/**
 * The tokens a second that the machine allows for what a test did.
 *
 * <ul>
 *   <li>Generating: 1 &divide; (missing bytes &divide; roads + trunk &divide; memory + experts of those layers that only hit
 *       &divide; memory), each for one token. Missing bytes are those that were copied or read by the CPU; the roads are link
 *       and host memory together where both were open to a miss, else the one that was. They hide the reading of the other
 *       layers' experts. Where every expert lies in the memory that is computed from, all layers only hit.
 *   <li>A prompt: its tokens &divide; the longest of these times: of the bytes fetched over the link, of those that the CPU
 *       read, of reading trunk and experts once, and of its multiplications and additions on the tensor cores. On the CPU,
 *       whose arithmetic is not measured, there is no bound.
 * </ul>
 *
 * <p>Of a swap only the way to the device counts, at the rate of the link when nothing comes back. Bytes and layers are
 * those that the runs counted, so the bound is that of the routing which was measured.
 */
final class Bound {
    private final BenchDescription subject;
    private final ExpertMisses misses;
    private final Ceilings ceilings;

    Bound(BenchDescription subject, ExpertMisses misses, Ceilings ceilings) {
        this.subject = subject;
        this.misses = misses;
        this.ceilings = ceilings;
    }

    /** Tokens a second at most, for what a test did; empty where nothing is known. */
    OptionalDouble of(BenchResult result) {
        return switch (result.test().kind()) {
            case GENERATE -> OptionalDouble.of(1 / secondsOfToken(result));
            case PROMPT -> prompt(result);
        };
    }

    private double secondsOfToken(BenchResult result) {
        ModelSizes model = subject.sizes();
        double tokens = result.tokens();
        double hitLayers =
                result.cost().map(counted -> counted.hitLayers() / tokens).orElse((double) model.layers());
        double experts = hitLayers * model.expertsPerToken() * model.expert();
        return missSeconds(result) / tokens + (model.trunkRead() + experts) / ceilings.memory();
    }

    private OptionalDouble prompt(BenchResult result) {
        if (ceilings.operations().isEmpty()) {
            return OptionalDouble.empty();
        }
        int tokens = result.test().tokens();
        double computing =
                tokens * subject.operationsPerToken() / ceilings.operations().getAsDouble();
        double reading = (subject.sizes().trunkRead() + readExperts(tokens)) / ceilings.memory();
        double fetching = apart(result) / result.runs().size();
        return OptionalDouble.of(tokens / Math.max(fetching, Math.max(reading, computing)));
    }

    /** No more are chosen than there are. */
    private double readExperts(int tokens) {
        ModelSizes model = subject.sizes();
        long chosen = Math.min(model.experts(), (long) tokens * model.expertsPerToken());
        return (double) model.layers() * chosen * model.expert();
    }

    private double missSeconds(BenchResult result) {
        return switch (misses) {
            case FETCH, CPU -> apart(result);
            case AUTO -> together(result);
        };
    }

    /** Each road carries what it carried, and the longer one counts. */
    private double apart(BenchResult result) {
        return result.cost()
                .map(cost -> Math.max(
                        seconds(cost.bytesUp(), ceilings.link().orElse(0)),
                        seconds(cost.roads().bytes(), ceilings.host().orElse(0))))
                .orElse(0.0);
    }

    /** What both carried, divided so that they end together. */
    private double together(BenchResult result) {
        double rate = ceilings.roads().orElse(0);
        return result.cost().map(cost -> seconds(cost.bytes(), rate)).orElse(0.0);
    }

    /** Nothing over a road that is not there. */
    private static double seconds(long bytes, double rate) {
        return rate > 0 ? bytes / rate : 0;
    }
}
