package dev.gatun;

import dev.gatun.offload.CacheShape;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.PolicyKind;
import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.TraceException;
import dev.gatun.offload.TraceReader;
import java.nio.file.Path;
import java.util.Optional;

/** From what users ask for to what the offloading room takes. */
final class OffloadSettings {
    private OffloadSettings() {}

    /**
     * Translates; reads the placement's recording.
     *
     * @throws GatunException if that cannot be read
     */
    static OffloadOptions of(ModelOptions options) {
        return new OffloadOptions(
                options.gpuMemory(),
                options.hostMemory(),
                policy(options.policy()),
                options.placement().map(OffloadSettings::recording),
                sharing(options.slots()),
                options.prefetch(),
                options.prefetchLayers(),
                hostMode(options.hostMode()),
                options.contextLength(),
                MissMode.valueOf(options.misses().name()),
                options.mostExperts());
    }

    private static PolicyKind policy(ExpertPolicy policy) {
        return switch (policy) {
            case LRU -> PolicyKind.LRU;
            case LFU -> PolicyKind.LFU;
            case FIFO -> PolicyKind.FIFO;
            case FIXED -> PolicyKind.FIXED;
        };
    }

    private static RoutingTrace recording(Path file) {
        try {
            return TraceReader.read(file);
        } catch (TraceException unusable) {
            throw new GatunException("placement: " + unusable.getMessage(), unusable);
        }
    }

    private static CacheShape.Sharing sharing(ExpertSlots slots) {
        return switch (slots) {
            case POOL -> CacheShape.Sharing.POOL;
            case LAYER -> CacheShape.Sharing.PER_LAYER;
        };
    }

    private static Optional<HostMode> hostMode(HostMemoryMode mode) {
        return switch (mode) {
            case AUTO -> Optional.empty();
            case INCLUSIVE -> Optional.of(HostMode.INCLUSIVE);
            case EXCLUSIVE -> Optional.of(HostMode.EXCLUSIVE);
        };
    }
}
