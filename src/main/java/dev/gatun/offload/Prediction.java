package dev.gatun.offload;

/**
 * How fast a plan decodes where every miss is fetched. The times of a token are of two kinds: those that link and memory
 * bound, counted only where no copy hides them, and those that come on top whatever the rates are.
 *
 * @param hitRatio the share of the chosen experts that are resident
 * @param missesPerToken experts fetched for a token
 * @param bytesFetched bytes over the link for a token
 * @param fetchSeconds the time that takes
 * @param trunkSeconds the time of reading the trunk
 * @param hitSeconds the time of reading the experts of those layers that only hit; elsewhere copies hide it
 * @param fixedSeconds what comes on top: kernels that are short, the host's reaction to misses, and the experts of the
 *     layers that miss, which begin when their last copy has ended
 */
public record Prediction(
        double hitRatio,
        double missesPerToken,
        double bytesFetched,
        double fetchSeconds,
        double trunkSeconds,
        double hitSeconds,
        double fixedSeconds) {
    /** What the link gives each way when copies run both ways, measured: 40 of 54.8 GB/s on PCIe 5. */
    static final double BOTH_WAYS = 40 / 54.8;

    /**
     * Predicts for a router that chooses every expert as likely as any other, whatever it chose before. Real text repeats
     * itself, and does better.
     */
    public static Prediction uniform(MemoryPlan plan, CostModel costs) {
        ModelSizes model = plan.model();
        double hitRatio = (double) plan.slots() / model.allExperts();
        double misses = (1 - hitRatio) * model.layers() * model.expertsPerToken();
        double bytes = misses * model.expert();
        double rate = plan.hostMode() == HostMode.EXCLUSIVE ? costs.link() * BOTH_WAYS : costs.link();
        double hitting = layersThatOnlyHit(plan);
        double reading = model.expertsPerToken() * model.expert() / costs.hbm();
        double fixed = model.layers() * (costs.trunkLayer() + costs.expertLayer())
                + (model.layers() - hitting) * (costs.reaction() + reading);
        return new Prediction(
                hitRatio, misses, bytes, bytes / rate, model.trunkRead() / costs.hbm(), hitting * reading, fixed);
    }

    /** Slots are spread evenly, so some layers may have one more. */
    private static double layersThatOnlyHit(MemoryPlan plan) {
        int fewer = plan.slots() / plan.model().layers();
        int more = plan.slots() % plan.model().layers();
        return more * onlyHits(plan.model(), fewer + 1)
                + (plan.model().layers() - more) * onlyHits(plan.model(), fewer);
    }

    /** How likely all of a token's experts are among the {@code resident} ones of a layer. */
    static double onlyHits(ModelSizes model, int resident) {
        double likely = 1;
        for (int drawn = 0; drawn < model.expertsPerToken(); drawn++) {
            likely *= Math.max(0, (double) (resident - drawn) / (model.experts() - drawn));
        }
        return likely;
    }

    /** The bound that link and memory set: tokens a second of an engine whose link is never idle. */
    public double atMost() {
        return 1 / (fetchSeconds + trunkSeconds + hitSeconds);
    }

    /** Tokens a second to expect. */
    public double tokensPerSecond() {
        return 1 / (fetchSeconds + trunkSeconds + hitSeconds + fixedSeconds);
    }
}
