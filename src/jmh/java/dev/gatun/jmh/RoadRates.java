package dev.gatun.jmh;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What the CPU and the link each carried while experts were computed and while memory was read, which took turns: 10^9 bytes a
 * second, medians of each iteration.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class RoadRates {
    private final RatePairs processor = new RatePairs();
    private final RatePairs link = new RatePairs();

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        processor.clear();
        link.clear();
    }

    void addProcessor(long expertBytes, long expertNanos, long readBytes, long readNanos) {
        processor.add(expertBytes, expertNanos, readBytes, readNanos);
    }

    void addLink(long besideExperts, long expertNanos, long besideReads, long readNanos) {
        link.add(besideExperts, expertNanos, besideReads, readNanos);
    }

    /** Experts, computed by the CPU. */
    public double expertsGigabytesPerSecond() {
        return processor.product();
    }

    /** Copied meanwhile. */
    public double copiedBesideExpertsGigabytesPerSecond() {
        return link.product();
    }

    /** Read by the CPU. */
    public double readsGigabytesPerSecond() {
        return processor.read();
    }

    /** Copied meanwhile. */
    public double copiedBesideReadsGigabytesPerSecond() {
        return link.read();
    }

    /** The experts' rate over that of reads, both beside the link. */
    public double percentOfReads() {
        return processor.percent();
    }
}
