package dev.gatun.offload;

/**
 * How fast a plan decodes where every miss is fetched and the link is never idle: a bound, since what reading the weights
 * takes is counted only where no copy hides it.
 *
 * @param hitRatio the share of the chosen experts that are resident
 * @param missesPerToken experts fetched for a token
 * @param bytesFetched bytes over the link for a token
 * @param fetchSeconds the time that takes
 * @param trunkSeconds the time of reading the trunk
 * @param hitSeconds the time of reading the experts of those layers that only hit; elsewhere copies hide it
 */
public record Prediction(
        double hitRatio,
        double missesPerToken,
        double bytesFetched,
        double fetchSeconds,
        double trunkSeconds,
        double hitSeconds) {
    /** What the link gives each way when copies run both ways, measured: 40 of 54.8 GB/s on PCIe 5. */
    static final double BOTH_WAYS = 40 / 54.8;

    /**
     * Predicts for a router that chooses every expert as likely as any other, whatever it chose before. Real text repeats
     * itself, and does better.
     *
     * @param link bytes a second, host to device
     * @param hbm bytes a second that the device reads of its own memory
     */
    public static Prediction uniform(MemoryPlan plan, double link, double hbm) {
        ModelSizes model = plan.model();
        double hitRatio = (double) plan.slots() / model.allExperts();
        double misses = (1 - hitRatio) * model.layers() * model.expertsPerToken();
        double bytes = misses * model.expert();
        double hitBytes = layersThatOnlyHit(plan) * model.expertsPerToken() * model.expert();
        double rate = plan.hostMode() == HostMode.EXCLUSIVE ? link * BOTH_WAYS : link;
        return new Prediction(hitRatio, misses, bytes, bytes / rate, model.trunkRead() / hbm, hitBytes / hbm);
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

    /** Tokens a second. */
    public double tokensPerSecond() {
        return 1 / (fetchSeconds + trunkSeconds + hitSeconds);
    }
}
