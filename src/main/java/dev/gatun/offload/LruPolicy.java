package dev.gatun.offload;

/** Evicts the expert that was asked for least recently. */
public final class LruPolicy implements CachePolicy {
    private final long[] askedAt;

    /** Makes a policy for {@code allExperts} experts. */
    public LruPolicy(int allExperts) {
        this.askedAt = new long[allExperts];
    }

    @Override
    public void asked(int expert, long time) {
        askedAt[expert] = time;
    }

    /** A prefetched expert has not been asked for yet, but is about to be. */
    @Override
    public void admitted(int expert, long time) {
        askedAt[expert] = time;
    }

    @Override
    public double worth(int expert) {
        return askedAt[expert];
    }
}
