package dev.gatun.jmh;

import dev.gatun.bench.Samples;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Rates of a product (or whatever else is measured) and of a plain read or copy that took turns. JMH prints the medians of each
 * iteration: of what others on the machine take at times, most falls on some of the calls.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class Race {
    private final List<Double> products = new ArrayList<>();
    private final List<Double> reads = new ArrayList<>();

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        products.clear();
        reads.clear();
    }

    void add(long productBytes, long productNanos, long readBytes, long readNanos) {
        products.add((double) productBytes / productNanos);
        reads.add((double) readBytes / readNanos);
    }

    /** Of the product, 10^9 bytes a second. */
    public double productGigabytesPerSecond() {
        return new Samples(products).median();
    }

    /** Of the read, 10^9 bytes a second. */
    public double readGigabytesPerSecond() {
        return new Samples(reads).median();
    }

    /** The product's rate over the read's. */
    public double percent() {
        return 100 * productGigabytesPerSecond() / readGigabytesPerSecond();
    }
}
