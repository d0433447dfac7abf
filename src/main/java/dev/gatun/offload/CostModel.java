package dev.gatun.offload;

/**
 * What a token costs on a machine: rates for what is read and copied, and times that no rate explains, because the kernels
 * of one token are short and the host must hear of a miss before it can order a copy. Rates are in bytes a second, times in
 * seconds.
 *
 * @param link host to device, pinned memory
 * @param hbm the device reading its own memory
 * @param cpu the host's processor computing experts where they lie, while the link copies others
 * @param trunkLayer what attention and router of a layer take beyond reading their weights
 * @param expertLayer what the experts of a layer take beyond reading their weights
 * @param reaction what a layer that misses takes beyond its copies: from a router's choice to their beginning, and from their
 *     end to computing
 * @param job what a layer takes beyond reading where the host's processor computes any of its experts: from a router's
 *     choice to the threads' beginning, and from their end to the sum on the device
 */
public record CostModel(
        double link, double hbm, double cpu, double trunkLayer, double expertLayer, double reaction, double job) {
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

    /**
     * The share of what a plain reader of the host's memory reaches that computing 2-bit experts of few tokens does beside a
     * link at work, which takes of the memory's rate too; alone, 0.8 was measured with the same threads in the same run.
     */
    public static final double CPU_SHARE = 0.7;

    /**
     * The host hears of a router's choice after 6 µs as for a copy; threads take up their parts and meet again, and 16 KB of
     * sums go back and are added, each in some microseconds. Put together from these, not fitted.
     */
    public static final double JOB = 30e-6;

    public CostModel {
        if (!(link > 0) || !(hbm > 0) || !(cpu > 0)) {
            throw new IllegalArgumentException("rates: link " + link + ", hbm " + hbm + ", cpu " + cpu);
        }
        if (!(trunkLayer >= 0) || !(expertLayer >= 0) || !(reaction >= 0) || !(job >= 0)) {
            throw new IllegalArgumentException("times: trunk " + trunkLayer + ", experts " + expertLayer + ", reaction "
                    + reaction + ", job " + job);
        }
    }

    /** A machine with these rates and the default times. */
    public static CostModel of(double link, double hbm, double cpu) {
        return new CostModel(link, hbm, cpu, TRUNK_LAYER, EXPERT_LAYER, REACTION, JOB);
    }
}
