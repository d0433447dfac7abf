package dev.gatun.offload;

/**
 * What an {@link ExpertCache} keeps. Experts are numbered layer by layer: {@code layer * experts + expert}. Times are the
 * cache's own steps and grow from call to call. A policy belongs to one cache, and what it does allocates nothing.
 */
public sealed interface CachePolicy permits LruPolicy, LfuPolicy, FifoPolicy, FixedPlacement, OraclePolicy {
    /** {@code expert} was asked for, whether it is resident or not. */
    void asked(int expert, long time);

    /** {@code expert} got a slot of its group. */
    void admitted(int expert, long time);

    /** What keeping {@code expert} is worth; of the experts that can go, the one with the least goes. */
    double worth(int expert);

    /** Whether {@code expert}, which is absent, would be worth more than {@code other} if it came now. */
    default boolean prefers(int expert, int other) {
        return worth(expert) > worth(other);
    }

    /** Whether {@code expert} may take a slot of its group; otherwise it gets a staging slot. */
    default boolean admits(int expert) {
        return true;
    }
}
