package dev.gatun.offload;

import java.util.function.LongSupplier;

/**
 * How misses are divided between the two roads: the link, over which the device gets an expert or its leading parts, and the
 * host's processor, which computes the rest where it lies.
 *
 * @param mode which roads are open
 * @param parts into how many equal parts an expert can be cut, of which the device can compute the leading ones alone; 1 if it
 *     cannot be cut
 * @param rates what both roads take; corrected by the fetcher that this is given to, which it is for alone
 * @param lag seconds that a layer's uploads begin later than the host, and that the device computes after the last of them
 *     beyond what it does after the host's part
 * @param clock nanoseconds, from any origin
 */
public record RoadSplit(MissMode mode, int parts, RoadRates rates, double lag, LongSupplier clock) {
    /** Nobody asks for them where one road is open. */
    private static final RoadSpeed ANY = new RoadSpeed(1e10, 0);

    public RoadSplit {
        if (parts < 1) {
            throw new IllegalArgumentException("parts of an expert: " + parts);
        }
        if (!(lag >= 0)) {
            throw new IllegalArgumentException("the link lags behind the host by " + lag + " s");
        }
    }

    /** Divided by the rates and what the link lags behind, in time as the system tells it. */
    public RoadSplit(MissMode mode, int parts, RoadRates rates, double lag) {
        this(mode, parts, rates, lag, System::nanoTime);
    }

    /** One road, the link. */
    public static RoadSplit fetching() {
        return new RoadSplit(MissMode.FETCH, 1, new RoadRates(ANY, ANY), 0);
    }
}
