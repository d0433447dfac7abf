package dev.gatun.offload;

import java.util.OptionalLong;

/**
 * What goes where: all that is certain to be needed first, and what is left of the GPU's memory to expert slots.
 *
 * <p>Embeddings, of which a token reads one row, make room for experts: they lie in the host where not all experts fit beside
 * them on the device, or not all may, so that more experts do, perhaps all; but not where they are the head too, nor where the
 * host's budget has no room for them beside the experts that it holds.
 *
 * @param model what it is for
 * @param gpuMemory the budget on the device, in bytes
 * @param context tokens that keys and values are kept of
 * @param slots expert slots; never evicted from when they are as many as there are experts
 * @param stagingSlots slots for experts on their way; none when all are resident
 * @param embeddingsInHost whether the embeddings lie in pinned host memory
 * @param hostMode what experts the host holds
 * @param hostMemory bytes of pinned host memory
 */
public record MemoryPlan(
        ModelSizes model,
        long gpuMemory,
        int context,
        int slots,
        int stagingSlots,
        boolean embeddingsInHost,
        HostMode hostMode,
        long hostMemory) {
    /**
     * What CUDA itself takes: its context with as much local memory as the kernels need (about 350 MB of an H200, the largest device
     * that it was measured on), their code, and what streams and events take.
     */
    public static final long RUNTIME = 400L << 20;

    /**
     * Experts of one token compute while those of another layer arrive, and uploads for a prompt run so far ahead of its
     * attention. Where two roads serve misses no slot is lost by that: those that hold nothing else keep experts that left
     * their group.
     */
    private static final int STAGED_LAYERS = 2;

    /**
     * Makes the plan, with the host mode that takes least time of those that its memory has room for.
     *
     * @param gpuMemory bytes that may be used on the device
     * @param hostMemory bytes that may be pinned; empty for as many as are needed
     * @param context tokens of one session
     * @throws PlanException if it is impossible
     */
    public static MemoryPlan of(ModelSizes model, long gpuMemory, OptionalLong hostMemory, int context) {
        return of(model, MemoryBudget.of(gpuMemory, hostMemory, context));
    }

    /**
     * Makes the plan.
     *
     * @throws PlanException if it is impossible
     */
    public static MemoryPlan of(ModelSizes model, MemoryBudget budget) {
        Allotment onDevice = new Allotment(model, budget, false);
        if (model.embeddings() == 0 || model.embeddings() > budget.hostLimit() || onDevice.holdsAll()) {
            return onDevice.requireHost(onDevice.plan());
        }
        MemoryPlan moved = new Allotment(model, budget, true).plan();
        return moved.hostMemory() <= budget.hostLimit() ? moved : onDevice.requireHost(onDevice.plan());
    }

    /** Slots for experts on their way; never more than there are experts. */
    static int wishedStaging(ModelSizes model) {
        return Math.min(STAGED_LAYERS * model.expertsPerToken(), model.allExperts());
    }

    /** What is certain to be needed on the device, before any expert. */
    static long needed(ModelSizes model, boolean embeddingsInHost, int context) {
        long moved = embeddingsInHost ? model.embeddings() : 0;
        return RUNTIME + model.trunk() - moved + model.workspace() + context * model.keyValues();
    }

    /** Bytes of the trunk on the device. */
    public long trunk() {
        return model.trunk() - (embeddingsInHost ? model.embeddings() : 0);
    }

    /** Bytes of keys and values. */
    public long keyValues() {
        return context * model.keyValues();
    }

    /** Bytes of the expert slots. */
    public long slotBytes() {
        return slots * model.expert();
    }

    /** Bytes of the staging slots. */
    public long stagingBytes() {
        return stagingSlots * model.expert();
    }

    /** Slots that a swap uploads to while the evicted expert is downloaded. */
    public int spareSlots() {
        return spareSlots(model, hostMode);
    }

    static int spareSlots(ModelSizes model, HostMode mode) {
        return mode == HostMode.EXCLUSIVE ? model.expertsPerToken() : 0;
    }

    /** Slots of all kinds. */
    public int allSlots() {
        return slots + stagingSlots + spareSlots();
    }

    /** Bytes of the budget that nothing uses. */
    public long unused() {
        return gpuMemory - needed(model, embeddingsInHost, context) - allSlots() * model.expert();
    }

    /** Where experts lie, for people: {@code "165 of 256 experts on the GPU, all in host memory"}. */
    public String whereExpertsLie() {
        String onGpu = slots + " of " + model.allExperts() + " experts on the GPU";
        return switch (hostMode) {
            case NONE -> onGpu;
            case INCLUSIVE -> onGpu + ", all in host memory";
            case EXCLUSIVE -> onGpu + ", the others in host memory: exclusive";
        };
    }

    /** The cache that the plan has room for. */
    public CacheShape cacheShape(CacheShape.Sharing sharing) {
        return new CacheShape(model.layers(), model.experts(), slots, stagingSlots, sharing);
    }
}
