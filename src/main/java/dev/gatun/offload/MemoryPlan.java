package dev.gatun.offload;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
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
    /** What CUDA itself takes: its context, and the modules with the kernels. */
    public static final long RUNTIME = 600L << 20;

    /** Experts of one token compute while those of another layer arrive. */
    private static final int STAGED_LAYERS = 2;

    private static final double GIB = 1L << 30;

    /**
     * Makes the plan, with the host mode that takes least time of those that its memory has room for.
     *
     * @param gpuMemory bytes that may be used on the device
     * @param hostMemory bytes that may be pinned; empty for as many as are needed
     * @param context tokens of one session
     * @throws PlanException if it is impossible
     */
    public static MemoryPlan of(ModelSizes model, long gpuMemory, OptionalLong hostMemory, int context) {
        return of(model, gpuMemory, hostMemory, Optional.empty(), context);
    }

    /** As below, with as many slots as fit. */
    public static MemoryPlan of(
            ModelSizes model, long gpuMemory, OptionalLong hostMemory, Optional<HostMode> hostMode, int context) {
        return of(model, gpuMemory, hostMemory, hostMode, OptionalInt.empty(), context);
    }

    /**
     * Makes the plan.
     *
     * @param gpuMemory bytes that may be used on the device, those of CUDA itself included
     * @param hostMemory bytes that may be pinned; empty for as many as are needed
     * @param hostMode what the host is to hold unless every expert is on the device; empty to choose
     * @param mostSlots slots beyond which there are to be none; empty for as many as fit
     * @param context tokens of one session
     * @throws PlanException if it is impossible
     */
    public static MemoryPlan of(
            ModelSizes model,
            long gpuMemory,
            OptionalLong hostMemory,
            Optional<HostMode> hostMode,
            OptionalInt mostSlots,
            int context) {
        long left = gpuMemory - needed(model, context);
        long fitting = Math.floorDiv(left, model.expert());
        int most = mostSlots.orElse(model.allExperts());
        if (fitting >= model.allExperts() && most >= model.allExperts()) {
            return new MemoryPlan(model, gpuMemory, context, model.allExperts(), 0, HostMode.NONE, 0);
        }
        long hostLimit = hostMemory.orElse(Long.MAX_VALUE);
        HostMode mode = hostMode.orElseGet(
                () -> inHost(model, HostMode.INCLUSIVE, 0) <= hostLimit ? HostMode.INCLUSIVE : HostMode.EXCLUSIVE);
        // Spare slots, which a swap uploads to, come off those of the cache.
        long beside = fitting - spareSlots(model, mode);
        if (beside < model.expertsPerToken()) {
            throw tooLittle(model, gpuMemory, model.expertsPerToken() + spareSlots(model, mode), context);
        }
        int staging = staging(model, beside);
        int slots = Math.toIntExact(Math.min(most, beside - staging));
        return withHost(model, gpuMemory, hostLimit, hostMode, mode, slots, staging, context);
    }

    /** Never more than there are experts. */
    private static int staging(ModelSizes model, long fitting) {
        long wished = Math.min((long) STAGED_LAYERS * model.expertsPerToken(), model.allExperts());
        return Math.toIntExact(Math.min(fitting, wished));
    }

    private static MemoryPlan withHost(
            ModelSizes model,
            long gpuMemory,
            long hostLimit,
            Optional<HostMode> asked,
            HostMode mode,
            int slots,
            int staging,
            int context) {
        long bytes = inHost(model, mode, slots);
        if (bytes > hostLimit) {
            long least = asked.isPresent() ? bytes : Math.min(bytes, inHost(model, HostMode.INCLUSIVE, slots));
            throw tooLittleHost(model, mode, hostLimit, slots, least);
        }
        return new MemoryPlan(model, gpuMemory, context, slots, staging, mode, bytes);
    }

    /** What is certain to be needed on the device, before any expert. */
    private static long needed(ModelSizes model, int context) {
        return RUNTIME + model.trunk() + model.workspace() + context * model.keyValues();
    }

    private static long inHost(ModelSizes model, HostMode mode, int slots) {
        return switch (mode) {
            case NONE -> throw new IllegalArgumentException("host mode: not every expert is on the device");
            case INCLUSIVE -> model.allExperts() * model.expert();
            // A swap needs a block to write the evicted expert to before that of the new one is free.
            case EXCLUSIVE -> (model.allExperts() - slots + (long) model.expertsPerToken()) * model.expert();
        };
    }

    private static PlanException tooLittleHost(ModelSizes model, HostMode mode, long limit, int slots, long least) {
        String experts = mode == HostMode.INCLUSIVE
                ? model.allExperts() + " experts"
                : model.allExperts() - slots + " experts that are not on the GPU";
        return new PlanException("host memory: %s cannot hold the %s; %s would do (--host-memory), or more --gpu-memory"
                .formatted(gibibytes(limit), experts, roundedUp(least)));
    }

    private static PlanException tooLittle(ModelSizes model, long gpuMemory, int experts, int context) {
        long least = needed(model, 0) + experts * model.expert();
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

    /** Slots that a swap uploads to while the evicted expert is downloaded. */
    public int spareSlots() {
        return spareSlots(model, hostMode);
    }

    private static int spareSlots(ModelSizes model, HostMode mode) {
        return mode == HostMode.EXCLUSIVE ? model.expertsPerToken() : 0;
    }

    /** Slots of all kinds. */
    public int allSlots() {
        return slots + stagingSlots + spareSlots();
    }

    /** Bytes of the budget that nothing uses. */
    public long unused() {
        return gpuMemory - needed(model, context) - allSlots() * model.expert();
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
