package dev.gatun.jmh;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Rates of a product (or whatever else is measured) and of a plain read or copy that took turns. JMH prints the medians of each
 * iteration.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class Race {
    private final RatePairs rates = new RatePairs();

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        rates.clear();
    }

    void add(long productBytes, long productNanos, long readBytes, long readNanos) {
        rates.add(productBytes, productNanos, readBytes, readNanos);
    }

    /** Of the product, 10^9 bytes a second. */
    public double productGigabytesPerSecond() {
        return rates.product();
    }

    /** Of the read, 10^9 bytes a second. */
    public double readGigabytesPerSecond() {
        return rates.read();
    }

    /** The product's rate over the read's, of the medians. */
    public double percent() {
        return rates.percent();
    }
}
