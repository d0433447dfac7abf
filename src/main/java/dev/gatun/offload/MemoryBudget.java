package dev.gatun.offload;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a {@link MemoryPlan} may use, and what it is to make room for.
 *
 * @param gpuMemory bytes that may be used on the device, those of CUDA itself included
 * @param hostMemory bytes that may be pinned; empty for as many as are needed
 * @param hostMode what the host is to hold unless every expert is on the device; empty to choose
 * @param mostSlots slots beyond which there are to be none; empty for as many as fit
 * @param context tokens of one session
 */
public record MemoryBudget(
        long gpuMemory, OptionalLong hostMemory, Optional<HostMode> hostMode, OptionalInt mostSlots, int context) {
    /** So much memory, the host mode that takes least time of those that it has room for. */
    public static MemoryBudget of(long gpuMemory, OptionalLong hostMemory, int context) {
        return new MemoryBudget(gpuMemory, hostMemory, Optional.empty(), OptionalInt.empty(), context);
    }

    long hostLimit() {
        return hostMemory.orElse(Long.MAX_VALUE);
    }
}
