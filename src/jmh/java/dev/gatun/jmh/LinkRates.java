package dev.gatun.jmh;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What a link copied beside a product and beside a plain read that took turns: medians of each iteration. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class LinkRates {
    private final RatePairs rates = new RatePairs();

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        rates.clear();
    }

    void add(long besideProduct, long productNanos, long besideRead, long readNanos) {
        rates.add(besideProduct, productNanos, besideRead, readNanos);
    }

    /** Copied while products were made, 10^9 bytes a second. */
    public double copiedBesideProductGigabytesPerSecond() {
        return rates.product();
    }

    /** Copied while memory was read, 10^9 bytes a second. */
    public double copiedBesideReadGigabytesPerSecond() {
        return rates.read();
    }
}
