package dev.gatun.offload;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * How a model whose experts do not all fit the device is to run. Immutable: {@code OffloadOptions.defaults().withPrefetch(2)}.
 *
 * @param gpuMemory bytes that may be used on the device; empty for what is free, less {@link #MARGIN}
 * @param hostMemory bytes that may be pinned, for experts and embeddings; empty for what the host has available
 * @param policy what is kept on the device
 * @param placement a recording that {@link PolicyKind#FIXED} learns from
 * @param sharing which layers compete for slots
 * @param prefetch experts of the next layer that are guessed and fetched ahead, 0 to {@value #MOST_PREFETCHED}
 * @param layersAhead how many layers early routers are asked for guesses, 1 to {@value #MOST_LAYERS_AHEAD}
 * @param hostMode what the host holds; empty to choose by available memory
 * @param context tokens that keys and values are planned for; 0 for a session of usual length
 * @param misses what is done about experts that are not on the device
 * @param mostSlots slots beyond which there are to be none, though there is room; empty for as many as fit
 */
public record OffloadOptions(
        OptionalLong gpuMemory,
        OptionalLong hostMemory,
        PolicyKind policy,
        Optional<RoutingTrace> placement,
        CacheShape.Sharing sharing,
        int prefetch,
        int layersAhead,
        Optional<HostMode> hostMode,
        int context,
        MissMode misses,
        OptionalInt mostSlots) {
    /** Left to the display and to other programs where no budget is set. */
    public static final long MARGIN = 512L << 20;

    /** The most experts that are guessed for a layer. */
    public static final int MOST_PREFETCHED = 3;

    /** The most layers that routers are asked early. */
    public static final int MOST_LAYERS_AHEAD = 3;

    public OffloadOptions {
        requirePositive("GPU memory", gpuMemory);
        requirePositive("host memory", hostMemory);
        if (policy == PolicyKind.BEST) {
            throw new IllegalArgumentException("policy: best knows the future, and is for replaying traces alone");
        }
        if ((policy == PolicyKind.FIXED) != placement.isPresent()) {
            throw new IllegalArgumentException("policy: fixed needs a placement, and no other takes one");
        }
        if (prefetch < 0 || prefetch > MOST_PREFETCHED) {
            throw new IllegalArgumentException("prefetch: " + prefetch + " is not between 0 and " + MOST_PREFETCHED);
        }
        if (mostSlots.orElse(0) < 0) {
            throw new IllegalArgumentException("slots: " + mostSlots.getAsInt() + " is negative");
        }
        if (layersAhead < 1 || layersAhead > MOST_LAYERS_AHEAD) {
            throw new IllegalArgumentException(
                    "layers ahead: " + layersAhead + " is not between 1 and " + MOST_LAYERS_AHEAD);
        }
        if (hostMode.equals(Optional.of(HostMode.NONE)) || context < 0) {
            throw new IllegalArgumentException("host mode " + hostMode + ", context " + context);
        }
    }

    private static void requirePositive(String name, OptionalLong bytes) {
        if (bytes.isPresent() && bytes.getAsLong() <= 0) {
            throw new IllegalArgumentException(name + ": " + bytes.getAsLong() + " bytes are none");
        }
    }

    /** All memory that is free, equal slots for each layer, least recently used goes first, no prefetching, both roads for misses. */
    public static OffloadOptions defaults() {
        return new OffloadOptions(
                OptionalLong.empty(),
                OptionalLong.empty(),
                PolicyKind.LRU,
                Optional.empty(),
                CacheShape.Sharing.PER_LAYER,
                0,
                1,
                Optional.empty(),
                0,
                MissMode.AUTO,
                OptionalInt.empty());
    }

    /** These options with a budget on the device. */
    public OffloadOptions withGpuMemory(long bytes) {
        return with(draft -> draft.gpuMemory = OptionalLong.of(bytes));
    }

    /** These options with a budget of pinned memory. */
    public OffloadOptions withHostMemory(long bytes) {
        return with(draft -> draft.hostMemory = OptionalLong.of(bytes));
    }

    /** These options with a policy that learns by itself. */
    public OffloadOptions withPolicy(PolicyKind kind) {
        return with(draft -> {
            draft.policy = kind;
            draft.placement = Optional.empty();
        });
    }

    /** These options with {@link PolicyKind#FIXED}: the experts that a recording used most. */
    public OffloadOptions withPlacement(RoutingTrace recorded) {
        return with(draft -> {
            draft.policy = PolicyKind.FIXED;
            draft.placement = Optional.of(recorded);
        });
    }

    /** These options with slots for all layers together, or for each. */
    public OffloadOptions withSharing(CacheShape.Sharing shared) {
        return with(draft -> draft.sharing = shared);
    }

    /** These options with so many experts guessed for each layer. */
    public OffloadOptions withPrefetch(int experts) {
        return with(draft -> draft.prefetch = experts);
    }

    /** These options with routers asked so many layers early. */
    public OffloadOptions withLayersAhead(int layers) {
        return with(draft -> draft.layersAhead = layers);
    }

    /** These options with a host mode whatever memory is available. */
    public OffloadOptions withHostMode(HostMode mode) {
        return with(draft -> draft.hostMode = Optional.of(mode));
    }

    /** These options with keys and values planned for so many tokens; 0 for a session of usual length. */
    public OffloadOptions withContext(int tokens) {
        return with(draft -> draft.context = tokens);
    }

    /** These options with another way for experts that are not on the device. */
    public OffloadOptions withMisses(MissMode mode) {
        return with(draft -> draft.misses = mode);
    }

    /** These options with at most so many slots. */
    public OffloadOptions withMostSlots(int slots) {
        return with(draft -> draft.mostSlots = OptionalInt.of(slots));
    }

    /**
     * Checks that the placement, if there is one, is for a model of that shape.
     *
     * @throws PlanException if it was recorded from another one
     */
    public void requirePlacementOf(int layers, int experts) {
        placement
                .filter(trace -> trace.layers() != layers || trace.experts() != experts)
                .ifPresent(trace -> {
                    throw new PlanException("placement: it was recorded from `" + trace.model() + "`, "
                            + trace.layers() + " layers of " + trace.experts() + " experts; this model has " + layers
                            + " of " + experts);
                });
    }

    /**
     * Makes the policy for one cache.
     *
     * @param expertsPerToken experts that a layer chooses for a token
     * @throws PlanException if the placement was recorded from a model of another shape
     */
    public CachePolicy newPolicy(CacheShape shape, int expertsPerToken) {
        requirePlacementOf(shape.layers(), shape.experts());
        return policy.make(shape, expertsPerToken, placement);
    }

    /** These options with what {@code change} changes. */
    private OffloadOptions with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.finish();
    }

    /** Options that are being changed: the one place where all of them are copied. */
    private static final class Draft {
        private OptionalLong gpuMemory;
        private OptionalLong hostMemory;
        private PolicyKind policy;
        private Optional<RoutingTrace> placement;
        private CacheShape.Sharing sharing;
        private int prefetch;
        private int layersAhead;
        private Optional<HostMode> hostMode;
        private int context;
        private MissMode misses;
        private OptionalInt mostSlots;

        Draft(OffloadOptions options) {
            gpuMemory = options.gpuMemory;
            hostMemory = options.hostMemory;
            policy = options.policy;
            placement = options.placement;
            sharing = options.sharing;
            prefetch = options.prefetch;
            layersAhead = options.layersAhead;
            hostMode = options.hostMode;
            context = options.context;
            misses = options.misses;
            mostSlots = options.mostSlots;
        }

        OffloadOptions finish() {
            return new OffloadOptions(
                    gpuMemory,
                    hostMemory,
                    policy,
                    placement,
                    sharing,
                    prefetch,
                    layersAhead,
                    hostMode,
                    context,
                    misses,
                    mostSlots);
        }
    }
}
