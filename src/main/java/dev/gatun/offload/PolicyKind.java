package dev.gatun.offload;

import java.util.Locale;

/** The policies that a trace is replayed through. */
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
     * Makes the policy.
     *
     * @param shape the cache it is for
     * @param trace what will be replayed
     * @param learned tokens at its beginning that a fixed placement may learn from
     */
    CachePolicy make(CacheShape shape, RoutingTrace trace, int learned) {
        int experts = shape.allExperts();
        return switch (this) {
            case LRU -> new LruPolicy(experts);
            case LFU -> new LfuPolicy(experts, (double) HALF_LIFE_TOKENS * trace.layers() * trace.expertsPerToken());
            case FIFO -> new FifoPolicy(experts);
            case FIXED -> FixedPlacement.of(shape, trace.first(learned).uses());
            case BEST -> new OraclePolicy(trace);
        };
    }

    /** The name that people use. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
