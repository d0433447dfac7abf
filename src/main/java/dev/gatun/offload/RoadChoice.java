package dev.gatun.offload;

/**
 * Divides the misses of a layer so that both roads end as early as they can: whole experts are fetched first, and at most
 * one is cut. Among what it compares is all over the link and all by the host: so, as far as the rates are right, it is never
 * slower than the better of the two.
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
        int best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int parts = 0; parts <= all; parts += mayCut ? 1 : split.parts()) {
            double seconds = seconds(misses, parts, ahead, left);
            if (seconds < least) {
                best = parts;
                least = seconds;
            }
        }
        return best;
    }

    /** When the later road ends, if the choice is made and {@code parts} are fetched of what is missing. */
    double seconds(int misses, int parts, double ahead, int left) {
        return Math.max(linkSeconds(parts, ahead), processorSeconds((misses + left) * split.parts() - parts));
    }

    /** When the later road ends at best. */
    double seconds(int misses, double ahead, int left) {
        return seconds(misses, fetched(misses, ahead, left, true), ahead, left);
    }

    private double linkSeconds(int parts, double ahead) {
        return ahead + rates.linkSeconds(bytes(parts), Math.ceilDiv(parts, split.parts()));
    }

    private double processorSeconds(int parts) {
        return rates.processorSeconds(bytes(parts));
    }
}
