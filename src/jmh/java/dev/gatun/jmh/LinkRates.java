package dev.gatun.jmh;

import dev.gatun.bench.Samples;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What a link copied beside a product and beside a plain read that took turns: medians of each iteration, as in {@link Race}. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class LinkRates {
    private final List<Double> besideProducts = new ArrayList<>();
    private final List<Double> besideReads = new ArrayList<>();

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        besideProducts.clear();
        besideReads.clear();
    }

    void add(long productBytes, long productNanos, long readBytes, long readNanos) {
        besideProducts.add((double) productBytes / productNanos);
        besideReads.add((double) readBytes / readNanos);
    }

    /** Copied while products were made, 10^9 bytes a second. */
    public double copiedBesideProductGigabytesPerSecond() {
        return new Samples(besideProducts).median();
    }

    /** Copied while memory was read, 10^9 bytes a second. */
    public double copiedBesideReadGigabytesPerSecond() {
        return new Samples(besideReads).median();
    }
}
