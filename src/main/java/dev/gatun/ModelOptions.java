package dev.gatun;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * How to open a model. Immutable: {@code ModelOptions.defaults().withThreads(4)}. All but the first two are about models on a
 * GPU that has no room for every expert; none of them but {@code misses} changes what is generated.
 *
 * @param backend where to run
 * @param threads CPU threads, the calling one included; 0 for one per available processor
 * @param gpuMemory bytes that may be used of the GPU's memory, those of CUDA itself included; empty for what is free, less
 *     512 MiB
 * @param hostMemory bytes that may be page-locked for experts and embeddings; empty for what is available
 * @param policy which experts stay on the GPU
 * @param placement the recorded routing that {@link ExpertPolicy#FIXED} takes its experts from
 * @param slots how the GPU's room for experts is shared
 * @param prefetch experts of the next layer that are guessed and fetched ahead, 0 to {@value #MAX_PREFETCH}
 * @param prefetchLayers how many layers early routers are asked for guesses, 1 to {@value #MAX_PREFETCH_LAYERS}
 * @param hostMode what the host's memory holds
 * @param contextLength tokens of all sessions together that the GPU's memory is planned for, with keys and values of 16
 *     bits (32 take twice as much); what does not fit is refused when a session opens; 0 for one session with
 *     {@link SessionOptions#defaults()}
 * @param misses what is done about experts that are not on the GPU; with all but {@link ExpertMisses#FETCH}, logits
 *     differ in rounding from run to run
 * @param mostExperts how many of the experts of all layers stay on the GPU at most; empty for as many as fit
 * @param times whether the GPU takes the time of copies and of each part of a pass, for {@link OffloadStatistics#times}; that
 *     costs some microseconds for each layer of a pass
 * @param simulatedLink bytes a second, each way, that copies of experts are slowed to, to study machines with a slower link;
 *     empty to copy as fast as it goes
 */
public record ModelOptions(
        BackendPreference backend,
        int threads,
        OptionalLong gpuMemory,
        OptionalLong hostMemory,
        ExpertPolicy policy,
        Optional<Path> placement,
        ExpertSlots slots,
        int prefetch,
        int prefetchLayers,
        HostMemoryMode hostMode,
        int contextLength,
        ExpertMisses misses,
        OptionalInt mostExperts,
        boolean times,
        OptionalDouble simulatedLink) {
    /** The most threads that can be asked for. */
    public static final int MAX_THREADS = 1024;

    /** The most experts that can be guessed for a layer. */
    public static final int MAX_PREFETCH = 3;

    /** The most layers that routers can be asked early. */
    public static final int MAX_PREFETCH_LAYERS = 3;

    /**
     * Checks the options.
     *
     * @throws GatunException naming the value that is out of range, or the two that contradict each other
     */
    public ModelOptions {
        require(
                threads >= 0 && threads <= MAX_THREADS,
                "threads: " + threads + " is not between 0 (all processors) and " + MAX_THREADS);
        requirePositive("GPU memory", gpuMemory);
        requirePositive("host memory", hostMemory);
        require(
                policy != ExpertPolicy.FIXED || placement.isPresent(),
                "policy: fixed needs a recording to take its experts from (--placement FILE)");
        require(
                policy == ExpertPolicy.FIXED || placement.isEmpty(),
                "placement: the policy that takes one is fixed (--policy fixed)");
        require(
                prefetch >= 0 && prefetch <= MAX_PREFETCH,
                "prefetch: " + prefetch + " is not between 0 and " + MAX_PREFETCH);
        require(mostExperts.orElse(0) >= 0, "most experts: " + mostExperts.orElse(0) + " is negative");
        require(
                prefetchLayers >= 1 && prefetchLayers <= MAX_PREFETCH_LAYERS,
                "prefetch layers: " + prefetchLayers + " is not between 1 and " + MAX_PREFETCH_LAYERS);
        require(contextLength >= 0, "context length: " + contextLength + " is negative");
        require(
                simulatedLink.orElse(1) > 0,
                "simulated link: " + simulatedLink.orElse(0) + " bytes a second are not more than none");
    }

    private static void requirePositive(String name, OptionalLong bytes) {
        require(
                bytes.isEmpty() || bytes.getAsLong() > 0,
                name + ": " + bytes.orElse(0) + " bytes are not more than none");
    }

    private static void require(boolean met, String complaint) {
        if (!met) {
            throw new GatunException(complaint);
        }
    }

    /** The best backend, all processors, all free memory, equal room for each layer, which the least recent expert leaves. */
    public static ModelOptions defaults() {
        return new ModelOptions(
                BackendPreference.AUTO,
                0,
                OptionalLong.empty(),
                OptionalLong.empty(),
                ExpertPolicy.LRU,
                Optional.empty(),
                ExpertSlots.LAYER,
                0,
                1,
                HostMemoryMode.AUTO,
                0,
                ExpertMisses.AUTO,
                OptionalInt.empty(),
                false,
                OptionalDouble.empty());
    }

    /** These options with another backend. */
    public ModelOptions withBackend(BackendPreference newBackend) {
        return with(draft -> draft.backend = newBackend);
    }

    /** These options with another number of threads. */
    public ModelOptions withThreads(int newThreads) {
        return with(draft -> draft.threads = newThreads);
    }

    /** These options with a budget of GPU memory. */
    public ModelOptions withGpuMemory(long bytes) {
        return with(draft -> draft.gpuMemory = OptionalLong.of(bytes));
    }

    /** These options with a budget of page-locked host memory. */
    public ModelOptions withHostMemory(long bytes) {
        return with(draft -> draft.hostMemory = OptionalLong.of(bytes));
    }

    /** These options with another policy; not for {@link ExpertPolicy#FIXED}, which is {@link #withPlacement}. */
    public ModelOptions withExpertPolicy(ExpertPolicy newPolicy) {
        return with(draft -> {
            draft.policy = newPolicy;
            draft.placement = Optional.empty();
        });
    }

    /** These options with the experts on the GPU that a recording used most: one that {@link RoutingRecorder} wrote. */
    public ModelOptions withPlacement(Path recording) {
        return with(draft -> {
            draft.policy = ExpertPolicy.FIXED;
            draft.placement = Optional.of(recording);
        });
    }

    /** These options with the GPU's room for experts shared otherwise. */
    public ModelOptions withSlots(ExpertSlots shared) {
        return with(draft -> draft.slots = shared);
    }

    /** These options with so many experts guessed for each layer. */
    public ModelOptions withPrefetch(int experts) {
        return with(draft -> draft.prefetch = experts);
    }

    /** These options with routers asked so many layers early. */
    public ModelOptions withPrefetchLayers(int layers) {
        return with(draft -> draft.prefetchLayers = layers);
    }

    /** These options with a host mode, whatever memory is available. */
    public ModelOptions withHostMode(HostMemoryMode mode) {
        return with(draft -> draft.hostMode = mode);
    }

    /** These options with the GPU's memory planned for so many tokens. */
    public ModelOptions withContextLength(int tokens) {
        return with(draft -> draft.contextLength = tokens);
    }

    /** These options with another way for experts that are not on the GPU. */
    public ModelOptions withMisses(ExpertMisses way) {
        return with(draft -> draft.misses = way);
    }

    /** These options with so many experts on the GPU at most, all layers together. */
    public ModelOptions withMostExperts(int experts) {
        return with(draft -> draft.mostExperts = OptionalInt.of(experts));
    }

    /** These options with or without {@link OffloadStatistics#times}. */
    public ModelOptions withTimes(boolean on) {
        return with(draft -> draft.times = on);
    }

    /** These options with copies of experts slowed to so many bytes a second each way. */
    public ModelOptions withSimulatedLink(double rate) {
        return with(draft -> draft.simulatedLink = OptionalDouble.of(rate));
    }

    /** These options with what {@code change} changes. */
    private ModelOptions with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.finish();
    }

    /** Options that are being changed: the one place where all of them are copied. */
    private static final class Draft {
        private BackendPreference backend;
        private int threads;
        private OptionalLong gpuMemory;
        private OptionalLong hostMemory;
        private ExpertPolicy policy;
        private Optional<Path> placement;
        private ExpertSlots slots;
        private int prefetch;
        private int prefetchLayers;
        private HostMemoryMode hostMode;
        private int contextLength;
        private ExpertMisses misses;
        private OptionalInt mostExperts;
        private boolean times;
        private OptionalDouble simulatedLink;

        Draft(ModelOptions options) {
            backend = options.backend;
            threads = options.threads;
            gpuMemory = options.gpuMemory;
            hostMemory = options.hostMemory;
            policy = options.policy;
            placement = options.placement;
            slots = options.slots;
            prefetch = options.prefetch;
            prefetchLayers = options.prefetchLayers;
            hostMode = options.hostMode;
            contextLength = options.contextLength;
            misses = options.misses;
            mostExperts = options.mostExperts;
            times = options.times;
            simulatedLink = options.simulatedLink;
        }

        ModelOptions finish() {
            return new ModelOptions(
                    backend,
                    threads,
                    gpuMemory,
                    hostMemory,
                    policy,
                    placement,
                    slots,
                    prefetch,
                    prefetchLayers,
                    hostMode,
                    contextLength,
                    misses,
                    mostExperts,
                    times,
                    simulatedLink);
        }
    }
}
