package dev.gatun.cli;

import dev.gatun.ExpertPolicy;
import dev.gatun.ExpertSlots;
import dev.gatun.GatunException;
import dev.gatun.HostMemoryMode;
import dev.gatun.ModelOptions;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.PolicyKind;
import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.TraceException;
import dev.gatun.offload.TraceReader;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options for models on a GPU that has no room for all their experts. */
final class OffloadArguments {
    @Option(
            names = "--gpu-memory",
            paramLabel = "SIZE",
            converter = Units.Size.class,
            description = "What may be used of the GPU's memory: 12GiB. Default: what is free, less 512 MiB.")
    Optional<Long> gpuMemory = Optional.empty();

    @Option(
            names = "--host-memory",
            paramLabel = "SIZE",
            converter = Units.Size.class,
            description = "What may be pinned of the host's memory: 64GiB. Default: what is available.")
    Optional<Long> hostMemory = Optional.empty();

    @Option(
            names = "--host-mode",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "What the host's memory holds: inclusive (every expert), exclusive (those that are not on "
                    + "the GPU), or auto, by what fits. Default: auto.")
    HostMemoryMode hostMode;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            description = "Which experts leave the GPU: lru (least recent), lfu (least often), fifo, or fixed (none of "
                    + "those that --placement names). Default: lru.")
    Optional<ExpertPolicy> policy = Optional.empty();

    @Option(
            names = "--placement",
            paramLabel = "FILE",
            description = "Keep the experts on the GPU that this recording of --trace used most: --policy fixed.")
    Optional<Path> placement = Optional.empty();

    @Option(
            names = "--slots",
            paramLabel = "NAME",
            defaultValue = "layer",
            description = "The GPU's room for experts: an equal part for each layer, or one pool for all layers. "
                    + "Default: layer.")
    ExpertSlots slots;

    @Option(
            names = "--prefetch",
            paramLabel = "N",
            defaultValue = "0",
            description = "Guess so many experts of the next layer and fetch them ahead, 0 to "
                    + ModelOptions.MAX_PREFETCH + ". Default: 0.")
    int prefetch;

    @Option(
            names = "--prefetch-layers",
            paramLabel = "N",
            defaultValue = "1",
            description = "How many layers early routers are asked for guesses, 1 to "
                    + ModelOptions.MAX_PREFETCH_LAYERS + ". Default: 1.")
    int prefetchLayers;

    @Option(
            names = "--most-experts",
            paramLabel = "N",
            description = "Keep no more than so many experts on the GPU, all layers together. Default: as many as fit.")
    Optional<Integer> mostExperts = Optional.empty();

    @Mixin
    private final MissArguments misses = new MissArguments();

    /** These options over others. */
    ModelOptions over(ModelOptions options) {
        ExpertPolicy chosen = policy.orElse(placement.isPresent() ? ExpertPolicy.FIXED : ExpertPolicy.LRU);
        return new ModelOptions(
                options.backend(),
                options.threads(),
                gpuMemory.map(OptionalLong::of).orElse(options.gpuMemory()),
                hostMemory.map(OptionalLong::of).orElse(options.hostMemory()),
                chosen,
                placement,
                slots,
                prefetch,
                prefetchLayers,
                hostMode,
                options.contextLength(),
                misses.chosen(),
                mostExperts.map(OptionalInt::of).orElse(options.mostExperts()),
                options.times(),
                options.simulatedLink());
    }

    /** The same options for the rooms below the API, which {@link #over} has checked. */
    OffloadOptions planned(ModelOptions checked) {
        OffloadOptions options = new OffloadOptions(
                checked.gpuMemory(),
                checked.hostMemory(),
                PolicyKind.LRU,
                Optional.empty(),
                slots == ExpertSlots.POOL ? CacheShape.Sharing.POOL : CacheShape.Sharing.PER_LAYER,
                prefetch,
                prefetchLayers,
                planned(hostMode),
                checked.contextLength(),
                MissMode.valueOf(checked.misses().name()),
                checked.mostExperts());
        return switch (checked.policy()) {
            case LRU -> options;
            case LFU -> options.withPolicy(PolicyKind.LFU);
            case FIFO -> options.withPolicy(PolicyKind.FIFO);
            case FIXED -> options.withPlacement(recording(placement.orElseThrow()));
        };
    }

    /** Those that are not the defaults, in words; the GPU's budget stands elsewhere. */
    Stream<String> changed() {
        return Stream.of(
                        hostMemory.map(bytes -> "host memory " + Units.gigabytes(bytes)),
                        Optional.of(hostMode)
                                .filter(mode -> mode != HostMemoryMode.AUTO)
                                .map(mode -> "host mode " + word(mode)),
                        policy.filter(chosen -> chosen != ExpertPolicy.LRU).map(chosen -> "policy " + word(chosen)),
                        placement.map(file -> "placement " + file.getFileName()),
                        Optional.of(slots)
                                .filter(shared -> shared != ExpertSlots.LAYER)
                                .map(shared -> "slots " + word(shared)),
                        Optional.of(prefetch).filter(count -> count > 0).map(count -> "prefetch " + count),
                        Optional.of(prefetchLayers).filter(count -> count > 1).map(count -> "prefetch layers " + count),
                        mostExperts.map(count -> "most experts " + count),
                        misses.changed())
                .flatMap(Optional::stream);
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private static RoutingTrace recording(Path file) {
        try {
            return TraceReader.read(file);
        } catch (TraceException unusable) {
            throw new GatunException("placement: " + unusable.getMessage(), unusable);
        }
    }

    /** What a plan takes for a host mode. */
    static Optional<HostMode> planned(HostMemoryMode mode) {
        return switch (mode) {
            case AUTO -> Optional.empty();
            case INCLUSIVE -> Optional.of(HostMode.INCLUSIVE);
            case EXCLUSIVE -> Optional.of(HostMode.EXCLUSIVE);
        };
    }
}
