package dev.gatun.offload;

import java.util.Locale;
import java.util.Optional;

/** The policies that keep experts on a device, and that a trace is replayed through. */
public enum PolicyKind {
    /** {@link LruPolicy}. */
    LRU,
    /** {@link LfuPolicy} with a half-life of {@value #HALF_LIFE_TOKENS} tokens. */
    LFU,
    /** {@link FifoPolicy}. */
    FIFO,
    /** {@link FixedPlacement} of what the beginning of the trace used most. */
    FIXED,
    /** Evicts what is needed last: it knows the future, and bounds what others can reach. */
    BEST;

    /** Tokens after which an asking counts half as much. */
    public static final int HALF_LIFE_TOKENS = 128;

    /**
     * Makes the policy for a replay.
     *
     * @param shape the cache it is for
     * @param trace what will be replayed
     * @param learned tokens at its beginning that a fixed placement may learn from
     */
    CachePolicy make(CacheShape shape, RoutingTrace trace, int learned) {
        return this == BEST
                ? new OraclePolicy(trace)
                : make(shape, trace.expertsPerToken(), Optional.of(trace.first(learned)));
    }

    /**
     * Makes the policy for a running model; {@link #BEST} there is none.
     *
     * @param shape the cache it is for
     * @param expertsPerToken experts that a layer chooses for a token
     * @param placement what a fixed placement learns from
     */
    CachePolicy make(CacheShape shape, int expertsPerToken, Optional<RoutingTrace> placement) {
        int experts = shape.allExperts();
        return switch (this) {
            case LRU -> new LruPolicy(experts);
            case LFU -> new LfuPolicy(experts, (double) HALF_LIFE_TOKENS * shape.layers() * expertsPerToken);
            case FIFO -> new FifoPolicy(experts);
            case FIXED -> FixedPlacement.of(shape, placement.orElseThrow().uses());
            case BEST -> throw new IllegalArgumentException("policy: nobody knows the future of a running model");
        };
    }

    /** The name that people use. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
