package dev.gatun.offload;

/**
 * The two roads to a layer's missing experts, and how what is missing is divided between them. The device computes what it has
 * once the last copy has ended; the host's processor computes the rest meanwhile.
 */
final class MissRoads {
    private final ModelSizes model;
    private final CostModel costs;
    private final MissMode mode;
    private final int parts;
    private final double link;

    /**
     * Of a plan.
     *
     * @param parts into how many parts an expert can be cut, of which the device computes some and the host the others
     */
    MissRoads(MemoryPlan plan, CostModel costs, MissMode mode, int parts) {
        if (parts < 1) {
            throw new IllegalArgumentException("parts of an expert: " + parts);
        }
        this.model = plan.model();
        this.costs = costs;
        this.mode = mode;
        this.parts = parts;
        this.link = plan.hostMode() == HostMode.EXCLUSIVE ? costs.link() * Prediction.BOTH_WAYS : costs.link();
    }

    /**
     * A layer's missing experts on their roads.
     *
     * @param fetched experts that are copied, in whole or in part
     * @param computed experts that the host's processor computes, in whole or in part
     * @param seconds from the router's choice to the layer's end
     */
    record Division(double fetched, double computed, double seconds) {}

    /** Bytes a second over the link. */
    double link() {
        return link;
    }

    /** Bytes a second of all roads that are open. */
    double rate() {
        return switch (mode) {
            case FETCH -> link;
            case CPU -> costs.cpu();
            case AUTO -> link + costs.cpu();
        };
    }

    /** The division that takes least time, of so many missing experts. */
    Division divide(int missing) {
        int all = missing * parts;
        return switch (mode) {
            case FETCH -> division(all, 0);
            case CPU -> division(0, all);
            case AUTO -> {
                Division best = division(all, 0);
                for (int fetched = 0; fetched < all; fetched++) {
                    Division other = division(fetched, all - fetched);
                    best = other.seconds < best.seconds ? other : best;
                }
                yield best;
            }
        };
    }

    private Division division(int fetchedParts, int computedParts) {
        double fetched = (double) fetchedParts / parts;
        double computed = (double) computedParts / parts;
        double reading = (model.expertsPerToken() - computed) * model.expert() / costs.hbm();
        double copying = fetched > 0 ? costs.reaction() + fetched * model.expert() / link : 0;
        double computing = computed > 0 ? costs.job() + computed * model.expert() / costs.cpu() : 0;
        return new Division(fetched, computed, Math.max(copying + reading, computing));
    }
}
