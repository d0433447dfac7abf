package dev.gatun.offload;

import java.util.Arrays;

/**
 * Evicts the expert that was asked for least often, where an asking counts half as much after a half-life. Counts are kept
 * for absent experts too.
 *
 * <p>Instead of shrinking all counts with time, each new asking counts more: 2<sup>time / half-life</sup>. The order of the
 * experts is the same, and the logarithm of the sum is kept, which never overflows.
 */
public final class LfuPolicy implements CachePolicy {
    private final double[] logCount;
    private final double halfLife;

    /**
     * Makes a policy.
     *
     * @param allExperts how many experts there are
     * @param halfLife askings (of all experts) after which one counts half as much
     */
    public LfuPolicy(int allExperts, double halfLife) {
        if (!(halfLife > 0)) {
            throw new IllegalArgumentException("half-life: " + halfLife + " is not positive");
        }
        this.logCount = new double[allExperts];
        this.halfLife = halfLife;
        Arrays.fill(logCount, Double.NEGATIVE_INFINITY);
    }

    @Override
    public void asked(int expert, long time) {
        double now = time / halfLife;
        // log2(2^old + 2^now); now is at least as large unless the expert was asked for very often.
        double high = Math.max(now, logCount[expert]);
        double low = Math.min(now, logCount[expert]);
        logCount[expert] = high + Math.log1p(Math.pow(2, low - high)) / Math.log(2);
    }

    @Override
    public void admitted(int expert, long time) {
        // How often it is asked for is all that counts.
    }

    @Override
    public double worth(int expert) {
        return logCount[expert];
    }
}
