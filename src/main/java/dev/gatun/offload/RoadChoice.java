package dev.gatun.offload;

/**
 * Divides the misses of a layer so that both roads end as early as they can: whole experts are fetched first, and at most
 * one is cut. With the parts that are fetched the link's time only grows, and the host's only shrinks: so the best choice is one of
 * the two beside where they cross, and as far as the rates are right it is never slower than either road alone.
 */
final class RoadChoice {
    private final RoadSplit split;
    private final RoadRates rates;
    private final long blockBytes;

    RoadChoice(RoadSplit split, long blockBytes) {
        this.split = split;
        this.rates = split.rates();
        this.blockBytes = blockBytes;
    }

    /** Parts of an expert. */
    int parts() {
        return split.parts();
    }

    /** Bytes of so many parts. */
    long bytes(int parts) {
        return blockBytes * parts / split.parts();
    }

    /**
     * How many parts to fetch of so many missing experts.
     *
     * @param ahead seconds that the link has to do before
     * @param left experts that the host computes besides
     * @param mayCut whether the result may be anything but a multiple of {@link #parts}
     */
    int fetched(int misses, double ahead, int left, boolean mayCut) {
        int all = misses * split.parts();
        if (split.mode() != MissMode.AUTO) {
            return split.mode() == MissMode.FETCH ? all : 0;
        }
        int step = mayCut ? 1 : split.parts();
        int later = fewestWithLinkLater(misses, ahead, left, step);
        boolean lessIsBetter =
                later > 0 && seconds(misses, later - step, ahead, left) <= seconds(misses, later, ahead, left);
        return lessIsBetter ? later - step : later;
    }

    /** With more parts the link ends later and the host earlier; all of them, if the host still ends later then. */
    private int fewestWithLinkLater(int misses, double ahead, int left, int step) {
        int low = 0;
        int high = misses * split.parts() / step;
        while (low < high) {
            int middle = (low + high) / 2;
            if (linkSeconds(middle * step, ahead) < hostSeconds(misses, middle * step, left)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low * step;
    }

    /** When the later road ends, if the choice is made and {@code parts} are fetched of what is missing. */
    double seconds(int misses, int parts, double ahead, int left) {
        return Math.max(linkSeconds(parts, ahead), hostSeconds(misses, parts, left));
    }

    /** When the later road ends at best. */
    double seconds(int misses, double ahead, int left) {
        return seconds(misses, fetched(misses, ahead, left, true), ahead, left);
    }

    private double linkSeconds(int parts, double ahead) {
        double lag = parts == 0 ? 0 : split.lag();
        return ahead + lag + rates.linkSeconds(bytes(parts), Math.ceilDiv(parts, split.parts()));
    }

    private double hostSeconds(int misses, int fetchedParts, int left) {
        return rates.processorSeconds(bytes((misses + left) * split.parts() - fetchedParts));
    }
}
