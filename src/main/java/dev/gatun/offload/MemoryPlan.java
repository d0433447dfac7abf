package dev.gatun.offload;

import java.util.Locale;
import java.util.OptionalLong;

/**
 * What goes where: all that is certain to be needed first, and what is left of the GPU's memory to expert slots.
 *
 * @param model what it is for
 * @param gpuMemory the budget on the device, in bytes
 * @param context tokens that keys and values are kept of
 * @param slots expert slots; never evicted from when they are as many as there are experts
 * @param stagingSlots slots for experts on their way; none when all are resident
 * @param hostMode what the host holds
 * @param hostMemory bytes of pinned host memory
 */
public record MemoryPlan(
        ModelSizes model,
        long gpuMemory,
        int context,
        int slots,
        int stagingSlots,
        HostMode hostMode,
        long hostMemory) {
    /** Experts of one token compute while those of another layer arrive. */
    private static final int STAGED_LAYERS = 2;

    private static final double GIB = 1L << 30;

    /**
     * Makes the plan.
     *
     * @param gpuMemory bytes that may be used on the device
     * @param hostMemory bytes that may be pinned; empty for as many as are needed
     * @param context tokens of one session
     * @throws PlanException if it is impossible
     */
    public static MemoryPlan of(ModelSizes model, long gpuMemory, OptionalLong hostMemory, int context) {
        long left = gpuMemory - model.trunk() - model.workspace() - context * model.keyValues();
        long fitting = Math.floorDiv(left, model.expert());
        if (fitting >= model.allExperts()) {
            return new MemoryPlan(model, gpuMemory, context, model.allExperts(), 0, HostMode.NONE, 0);
        }
        if (fitting < model.expertsPerToken()) {
            throw tooLittle(model, gpuMemory, context);
        }
        int staging = Math.toIntExact(Math.min(fitting, (long) STAGED_LAYERS * model.expertsPerToken()));
        int slots = Math.toIntExact(fitting) - staging;
        return withHost(model, gpuMemory, hostMemory, context, slots, staging);
    }

    private static MemoryPlan withHost(
            ModelSizes model, long gpuMemory, OptionalLong hostMemory, int context, int slots, int staging) {
        long limit = hostMemory.orElse(Long.MAX_VALUE);
        long all = model.allExperts() * model.expert();
        // A swap needs a block to write the evicted expert to before that of the new one is free.
        long others = (model.allExperts() - slots + (long) model.expertsPerToken()) * model.expert();
        if (all <= limit) {
            return new MemoryPlan(model, gpuMemory, context, slots, staging, HostMode.INCLUSIVE, all);
        }
        if (others <= limit) {
            return new MemoryPlan(model, gpuMemory, context, slots, staging, HostMode.EXCLUSIVE, others);
        }
        throw new PlanException(
                "host memory: %s cannot hold the %d experts that are not on the GPU; %s would do (--host-memory), or more --gpu-memory"
                        .formatted(gibibytes(limit), model.allExperts() - slots, roundedUp(Math.min(all, others))));
    }

    private static PlanException tooLittle(ModelSizes model, long gpuMemory, int context) {
        long least = model.trunk() + model.workspace() + model.expertsPerToken() * model.expert();
        long needed = least + context * model.keyValues();
        long tokens = (gpuMemory - least) / model.keyValues();
        String shorter = tokens > 0 ? "--context " + Math.min(tokens, context) + " would fit, or " : "";
        return new PlanException("GPU memory: %s are too little for a context of %d tokens; %s--gpu-memory %s"
                .formatted(gibibytes(gpuMemory), context, shorter, roundedUp(needed)));
    }

    private static String gibibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / GIB);
    }

    /** As an option takes it; a plan with that much is possible. */
    private static String roundedUp(long bytes) {
        return String.format(Locale.ROOT, "%.1fGiB", Math.ceil(bytes / GIB * 10) / 10);
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

    /** Bytes of the budget that nothing uses. */
    public long unused() {
        return gpuMemory - model.trunk() - model.workspace() - keyValues() - slotBytes() - stagingBytes();
    }

    /** The cache that the plan has room for. */
    public CacheShape cacheShape(CacheShape.Sharing sharing) {
        return new CacheShape(model.layers(), model.experts(), slots, stagingSlots, sharing);
    }
}
