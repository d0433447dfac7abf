package dev.gatun.offload;

import java.util.Locale;

/**
 * Divides memory with the embeddings on one side of the link: all that is certain to be needed first, and what is left of the
 * device's to expert slots.
 */
record Allotment(ModelSizes model, MemoryBudget budget, boolean embeddingsInHost) {
    private static final double GIB = 1L << 30;

    /**
     * The plan, which may take more of the host's memory than the budget has.
     *
     * @throws PlanException if the device's memory is too little
     */
    MemoryPlan plan() {
        if (holdsAll()) {
            return planned(HostMode.NONE, model.allExperts(), 0);
        }
        HostMode mode = mode();
        // Spare slots, which a swap uploads to, come off those of the cache.
        int spare = MemoryPlan.spareSlots(model, mode);
        long beside = fitting() - spare;
        if (beside < model.expertsPerToken()) {
            throw tooLittle(model.expertsPerToken() + spare);
        }
        int staging = (int) Math.min(beside, MemoryPlan.wishedStaging(model));
        return planned(mode, Math.toIntExact(Math.min(mostSlots(), beside - staging)), staging);
    }

    /** Whether every expert is resident. */
    boolean holdsAll() {
        return Math.min(fitting(), mostSlots()) >= model.allExperts();
    }

    /** Experts that fit the device; negative if not even the rest does. */
    private long fitting() {
        return Math.floorDiv(budget.gpuMemory() - needed(budget.context()), model.expert());
    }

    private int mostSlots() {
        return budget.mostSlots().orElse(model.allExperts());
    }

    private HostMode mode() {
        boolean holdsAll = experts(HostMode.INCLUSIVE, 0) <= budget.hostLimit();
        return budget.hostMode().orElse(holdsAll ? HostMode.INCLUSIVE : HostMode.EXCLUSIVE);
    }

    private MemoryPlan planned(HostMode mode, int slots, int staging) {
        long inHost = experts(mode, slots) + (embeddingsInHost ? model.embeddings() : 0);
        return new MemoryPlan(
                model, budget.gpuMemory(), budget.context(), slots, staging, embeddingsInHost, mode, inHost);
    }

    /** What is certain to be needed on the device, before any expert. */
    private long needed(int context) {
        return MemoryPlan.needed(model, embeddingsInHost, context);
    }

    /** Bytes of the experts that the host holds. */
    private long experts(HostMode mode, int slots) {
        return switch (mode) {
            case NONE -> 0;
            case INCLUSIVE -> model.allExperts() * model.expert();
            // A swap needs a block to write the evicted expert to before that of the new one is free.
            case EXCLUSIVE -> (model.allExperts() - slots + (long) model.expertsPerToken()) * model.expert();
        };
    }

    /**
     * Checks that a plan of these keeps to the host's budget.
     *
     * @throws PlanException if it does not, with what would do
     */
    MemoryPlan requireHost(MemoryPlan plan) {
        if (plan.hostMemory() > budget.hostLimit()) {
            throw tooLittleHost(plan);
        }
        return plan;
    }

    private PlanException tooLittleHost(MemoryPlan plan) {
        boolean inclusive = plan.hostMode() == HostMode.INCLUSIVE;
        String experts = inclusive
                ? model.allExperts() + " experts"
                : model.allExperts() - plan.slots() + " experts that are not on the GPU";
        long all = experts(HostMode.INCLUSIVE, 0);
        long least = budget.hostMode().isPresent() ? plan.hostMemory() : Math.min(plan.hostMemory(), all);
        return new PlanException("host memory: %s cannot hold the %s; %s would do (--host-memory), or more --gpu-memory"
                .formatted(gibibytes(budget.hostLimit()), experts, roundedUp(least)));
    }

    private PlanException tooLittle(int experts) {
        int context = budget.context();
        long least = needed(0) + experts * model.expert();
        long needed = least + context * model.keyValues();
        long tokens = (budget.gpuMemory() - least) / model.keyValues();
        String shorter = tokens > 0 ? "--context " + Math.min(tokens, context) + " would fit, or " : "";
        return new PlanException("GPU memory: %s are too little for a context of %d tokens; %s--gpu-memory %s"
                .formatted(gibibytes(budget.gpuMemory()), context, shorter, roundedUp(needed)));
    }

    private static String gibibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / GIB);
    }

    /** As an option takes it; a plan with that much is possible. */
    private static String roundedUp(long bytes) {
        return String.format(Locale.ROOT, "%.1fGiB", Math.ceil(bytes / GIB * 10) / 10);
    }
}
