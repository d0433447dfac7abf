package dev.gatun.offload;

/**
 * What a token costs on a machine: rates for what is read and copied, and times that no rate explains, because the kernels
 * of one token are short and the host must hear of a miss before it can order a copy. Rates are in bytes a second, times in
 * seconds.
 *
 * @param link host to device, pinned memory
 * @param hbm the device reading its own memory
 * @param trunkLayer what attention and router of a layer take beyond reading their weights
 * @param expertLayer what the experts of a layer take beyond reading their weights
 * @param reaction what a layer that misses takes beyond its copies: from a router's choice to their beginning, and from their
 *     end to computing
 */
public record CostModel(double link, double hbm, double trunkLayer, double expertLayer, double reaction) {
    // From three rates of whole models on an H200 (4400 GB/s, 55.4 GB/s over the link), which MemoryPlanTest holds:
    // with
    // every expert resident the sum of the first two, with half of them the third. That at 12 GiB was not fitted.

    /**
     * On an H200 a token of an all-resident Mixtral 8x7B takes 57 µs a layer beyond reading its weights; the experts' part
     * is that of their kernel. What is left is eight short kernels, their launches, and a layer's part of choosing the token.
     */
    public static final double TRUNK_LAYER = 37e-6;

    /**
     * On an H100 two experts of 55.7 MB take 53 µs, of which reading explains 37. Faster memory makes the rest no shorter; how
     * the H200's sum divides was not measured.
     */
    public static final double EXPERT_LAYER = 20e-6;

    /**
     * The host hears of a router's choice after 6 µs, orders two copies, which begin one after the other, and launches the
     * experts behind the last one's event: each a few microseconds, which nothing overlaps.
     */
    public static final double REACTION = 40e-6;

    public CostModel {
        if (!(link > 0) || !(hbm > 0) || !(trunkLayer >= 0) || !(expertLayer >= 0) || !(reaction >= 0)) {
            throw new IllegalArgumentException("costs: link " + link + ", hbm " + hbm + ", trunk " + trunkLayer
                    + ", experts " + expertLayer + ", reaction " + reaction);
        }
    }

    /** A machine with these rates and the default times. */
    public static CostModel of(double link, double hbm) {
        return new CostModel(link, hbm, TRUNK_LAYER, EXPERT_LAYER, REACTION);
    }
}
