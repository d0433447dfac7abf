package dev.gatun.offload;

/**
 * How misses are divided between the two roads: the link, over which the device gets an expert or its leading parts, and the
 * host's processor, which computes the rest where it lies.
 *
 * @param mode which roads are open
 * @param parts into how many equal parts an expert can be cut, of which the device can compute the leading ones alone; 1 if it
 *     cannot be cut
 */
public record RoadSplit(MissMode mode, int parts) {
    public RoadSplit {
        if (parts < 1) {
            throw new IllegalArgumentException("parts of an expert: " + parts);
        }
    }

    /** One road, the link. */
    public static RoadSplit fetching() {
        return new RoadSplit(MissMode.FETCH, 1);
    }
}
