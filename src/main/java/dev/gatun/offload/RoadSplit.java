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
 * @param clock nanoseconds, from any origin
 */
public record RoadSplit(MissMode mode, int parts, RoadRates rates, LongSupplier clock) {
    /** Nobody asks for them where one road is open. */
    private static final RoadSpeed ANY = new RoadSpeed(1e10, 0);

    public RoadSplit {
        if (parts < 1) {
            throw new IllegalArgumentException("parts of an expert: " + parts);
        }
    }

    /** Divided by the rates, in time as the system tells it. */
    public RoadSplit(MissMode mode, int parts, RoadRates rates) {
        this(mode, parts, rates, System::nanoTime);
    }

    /** One road, the link. */
    public static RoadSplit fetching() {
        return new RoadSplit(MissMode.FETCH, 1, new RoadRates(ANY, ANY));
    }
}
