package dev.gatun.offload;

/**
 * How fast a plan decodes. The times of a token are of two kinds: those that link, host memory and device memory bound, counted
 * only where no other hides them, and those that come on top whatever the rates are.
 *
 * @param hitRatio the share of the chosen experts that are resident
 * @param missesPerToken experts of a token that are not
 * @param bytesFetched bytes over the link for a token
 * @param bytesComputed bytes of experts that the host's processor computes for a token
 * @param fetchSeconds the time that the link is busy
 * @param computeSeconds the time that the host's processor is busy
 * @param missSeconds the time that missing experts take where no road that is open to them is ever idle
 * @param trunkSeconds the time of reading the trunk
 * @param hitSeconds the time of reading the experts of those layers that only hit; elsewhere missing ones hide it
 * @param fixedSeconds what comes on top: kernels that are short, the host's reaction to misses, and of the layers that miss the
 *     experts that the device computes when their last copy has ended, and what one road waits for the other
 */
public record Prediction(
        double hitRatio,
        double missesPerToken,
        double bytesFetched,
        double bytesComputed,
        double fetchSeconds,
        double computeSeconds,
        double missSeconds,
        double trunkSeconds,
        double hitSeconds,
        double fixedSeconds) {
    /** What the link gives each way when copies run both ways, measured: 40 of 54.8 GB/s on PCIe 5. */
    static final double BOTH_WAYS = 40 / 54.8;

    /**
     * Predicts for a router that chooses every expert as likely as any other, whatever it chose before. Real text repeats
     * itself, and does better.
     *
     * @param mode which roads are open to missing experts
     * @param parts into how many parts an expert can be cut; see {@link dev.gatun.quant.ExpertCut}
     */
    public static Prediction uniform(MemoryPlan plan, CostModel costs, MissMode mode, int parts) {
        ModelSizes model = plan.model();
        MissRoads roads = new MissRoads(plan, costs, mode, parts);
        double fetched = 0;
        double computed = 0;
        double taken = 0;
        for (int missing = 1; missing <= model.expertsPerToken(); missing++) {
            double layers = MissOdds.layers(plan, missing);
            MissRoads.Division division = roads.divide(missing);
            fetched += layers * division.fetched();
            computed += layers * division.computed();
            taken += layers * division.seconds();
        }
        double hitRatio = (double) plan.slots() / model.allExperts();
        double misses = (1 - hitRatio) * model.layers() * model.expertsPerToken();
        double bound = misses * model.expert() / roads.rate();
        double reading = model.expertsPerToken() * model.expert() / costs.hbm();
        return new Prediction(
                hitRatio,
                misses,
                fetched * model.expert(),
                computed * model.expert(),
                fetched * model.expert() / roads.link(),
                computed * model.expert() / costs.cpu(),
                bound,
                model.trunkRead() / costs.hbm(),
                MissOdds.layers(plan, 0) * reading,
                model.layers() * (costs.trunkLayer() + costs.expertLayer()) + taken - bound);
    }

    /** The bound that the rates set: tokens a second of an engine none of whose roads is ever idle. */
    public double atMost() {
        return 1 / (missSeconds + trunkSeconds + hitSeconds);
    }

    /** Tokens a second to expect. */
    public double tokensPerSecond() {
        return 1 / (missSeconds + trunkSeconds + hitSeconds + fixedSeconds);
    }
}
