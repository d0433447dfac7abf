package dev.gatun.offload;

/** How likely so many of a token's experts are missing in a layer, where the router chooses all as likely. */
final class MissOdds {
    private MissOdds() {}

    /**
     * The hypergeometric distribution.
     *
     * @param resident experts of the layer that are resident
     * @param missing how many of the chosen ones are not
     * @return 0 to 1
     */
    static double of(ModelSizes model, int resident, int missing) {
        int chosen = model.expertsPerToken();
        return ways(model.experts() - resident, missing)
                * ways(resident, chosen - missing)
                / ways(model.experts(), chosen);
    }

    /** Layers of all in which so many are missing, as slots are spread evenly: some layers may have one more. */
    static double layers(MemoryPlan plan, int missing) {
        ModelSizes model = plan.model();
        int fewer = plan.slots() / model.layers();
        int more = plan.slots() % model.layers();
        double among = (model.layers() - more) * of(model, fewer, missing);
        return more == 0 ? among : among + more * of(model, fewer + 1, missing);
    }

    /** To choose {@code chosen} of {@code all}. */
    private static double ways(int all, int chosen) {
        double ways = 1;
        for (int drawn = 0; drawn < chosen; drawn++) {
            ways *= Math.max(0, (double) (all - drawn) / (drawn + 1));
        }
        return ways;
    }
}
