package dev.gatun.jmh;

import dev.gatun.bench.Samples;
import java.util.ArrayList;
import java.util.List;

/**
 * Rates, in 10^9 bytes a second, of a product and of a plain read that took turns, and their medians: of what others on the
 * machine take at times, most falls on some of the calls.
 */
final class RatePairs {
    private final List<Double> products = new ArrayList<>();
    private final List<Double> reads = new ArrayList<>();

    void clear() {
        products.clear();
        reads.clear();
    }

    void add(long productBytes, long productNanos, long readBytes, long readNanos) {
        products.add((double) productBytes / productNanos);
        reads.add((double) readBytes / readNanos);
    }

    double product() {
        return new Samples(products).median();
    }

    double read() {
        return new Samples(reads).median();
    }

    /** The product's rate over the read's, of the medians. */
    double percent() {
        return 100 * product() / read();
    }
}
