package dev.gatun.offload;

/**
 * What a road's speed is believed to be, corrected by what each job on it took.
 *
 * <p>Jobs differ by some percent from one to the next, and now and then one takes much longer, since the host was stopped. So
 * the belief is a mean in which the newest job counts a quarter, and no job counts for much more or less than was expected; but
 * where the next ones say the same, the road has changed, and each counts for more than the one before.
 *
 * <p>A road with nothing to do, since it is believed to be slow, or not worth beginning, cannot refute that. So the belief grows
 * more hopeful with each layer that passes without it, of all that a job takes; and the next job ends the hope: as far as it did
 * not come true. What was measured is kept apart from it: a hope in vain costs one job, and does not wear off what is known.
 *
 * <p>What every job takes besides its bytes is what was measured at first, and at most a half of the shortest job: if it was
 * measured too long, on a host that was not awake, jobs would else be believed to take that long for ever.
 */
final class RoadEstimate {
    /** The weight of the newest job in the mean. */
    private static final double NEWEST = 1 / 4.0;

    /** The first job in a row that is a surprise counts for no more than so many times what was expected. */
    private static final double MOST_AT_ONCE = 1.2;

    /** To try whether an idle road has become faster can cost a whole expert, and is done seldom. */
    private static final double IDLE_HOPE = 1 / 256.0;

    private static final double MOST_IDLE_HOPE = 2;

    private static final double MOST_FIXED = 1 / 2.0;

    private double fixed;
    private double perByte;
    private double hope = 1;
    /** How many jobs in a row were slower than counts at once, or faster, which is negative. */
    private int surprises;

    RoadEstimate(RoadSpeed measured) {
        fixed = measured.fixedSeconds();
        perByte = 1 / measured.bytesPerSecond();
    }

    /** What is believed of so many bytes in so many jobs, one after the other. */
    double seconds(long bytes, int jobs) {
        return (jobs * fixed + bytes * perByte) / hope;
    }

    double bytesPerSecond() {
        return 1 / perByte;
    }

    /** A layer passed in which the road had nothing to do, though it could have. */
    void idle() {
        hope = Math.min(hope * (1 + IDLE_HOPE), MOST_IDLE_HOPE);
    }

    /** A job of so many bytes took so many seconds. */
    void seen(long bytes, double seconds) {
        if (bytes > 0) {
            fixed = Math.min(fixed, seconds * MOST_FIXED);
            double seen = (seconds - fixed) / bytes;
            perByte = Math.clamp(seen, perByte / hope, perByte);
            hope = 1;
            learn(seen);
        }
    }

    private void learn(double seen) {
        double most = Math.pow(MOST_AT_ONCE, 1 + Math.abs(surprises));
        double counted = Math.clamp(seen, perByte / most, perByte * most);
        surprises = nextSurprises(seen / perByte);
        perByte += NEWEST * (counted - perByte);
    }

    private int nextSurprises(double ratio) {
        if (ratio > MOST_AT_ONCE) {
            return Math.max(surprises, 0) + 1;
        }
        return ratio < 1 / MOST_AT_ONCE ? Math.min(surprises, 0) - 1 : 0;
    }
}
