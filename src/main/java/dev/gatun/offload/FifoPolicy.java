package dev.gatun.offload;

/** Evicts the expert that has been resident longest. */
public final class FifoPolicy implements CachePolicy {
    private final long[] admittedAt;

    /** Makes a policy for {@code allExperts} experts. */
    public FifoPolicy(int allExperts) {
        this.admittedAt = new long[allExperts];
    }

    @Override
    public void asked(int expert, long time) {
        // When it came is all that counts.
    }

    @Override
    public void admitted(int expert, long time) {
        admittedAt[expert] = time;
    }

    /** What comes now came last. */
    @Override
    public boolean prefers(int expert, int other) {
        return true;
    }

    @Override
    public double worth(int expert) {
        return admittedAt[expert];
    }
}
