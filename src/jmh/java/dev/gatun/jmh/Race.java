package dev.gatun.jmh;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Bytes and times of a product (or whatever else is measured) and a plain read or copy that took turns; JMH prints what follows
 * from them for each iteration.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class Race {
    private long productBytes;
    private long productNanos;
    private long readBytes;
    private long readNanos;

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        productBytes = productNanos = readBytes = readNanos = 0;
    }

    void add(long moreProductBytes, long moreProductNanos, long moreReadBytes, long moreReadNanos) {
        productBytes += moreProductBytes;
        productNanos += moreProductNanos;
        readBytes += moreReadBytes;
        readNanos += moreReadNanos;
    }

    /** Of the product, 10^9 bytes a second. */
    public double productGigabytesPerSecond() {
        return (double) productBytes / productNanos;
    }

    /** Of the read, 10^9 bytes a second. */
    public double readGigabytesPerSecond() {
        return (double) readBytes / readNanos;
    }

    /** The product's rate over the read's. */
    public double percent() {
        return 100 * productGigabytesPerSecond() / readGigabytesPerSecond();
    }
}
