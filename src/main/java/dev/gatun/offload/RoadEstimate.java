package dev.gatun.offload;

/**
 * What a road's speed is believed to be, corrected by what was seen of it. What is seen is an interval: a job ended no
 * sooner than it was last seen in flight, and no later than it was seen to have ended. Only a belief outside that interval
 * is refuted, and moves towards its nearer end.
 *
 * <p>A road that does too little, since it is believed to be slower than it is, may never be seen to refute that. So as long as
 * nothing refutes it, a belief grows more hopeful, slowly at first; the first job that ends later than hoped ends the hope at
 * once. What was measured is kept apart from it: so a hope in vain costs one job, and does not wear off what is known.
 */
final class RoadEstimate {
    /** The weight of the newest job in the mean. */
    private static final double NEWEST = 1 / 4.0;

    /** One job, such as one during which the host was stopped, counts for no more than so many times what was expected. */
    private static final double MOST_AT_ONCE = 2;

    /** How much more is hoped for with the first job that does not refute a belief, and how that grows with each other. */
    private static final double FIRST_HOPE = 1 / 1024.0;

    private static final double GROWTH = 1.25;
    private static final double MOST_HOPE = 16;

    /** A road with nothing to do may have become faster too; to try that can cost a whole expert, and is done seldom. */
    private static final double IDLE_HOPE = 1 / 256.0;

    private static final double MOST_IDLE_HOPE = 2;

    private final double fixed;
    private double perByte;
    private double hope = 1;
    private double step = FIRST_HOPE;

    RoadEstimate(RoadSpeed measured) {
        fixed = measured.fixedSeconds();
        perByte = 1 / measured.bytesPerSecond();
    }

    /** What is believed of so many bytes in so many jobs, one after the other. */
    double seconds(long bytes, int jobs) {
        return jobs * fixed + bytes * believed();
    }

    private double believed() {
        return perByte / hope;
    }

    double bytesPerSecond() {
        return 1 / perByte;
    }

    /** A layer passed in which the road had nothing to do, though it could have. */
    void idle() {
        hope = Math.max(hope, Math.min(hope * (1 + IDLE_HOPE), MOST_IDLE_HOPE));
    }

    /** So many bytes in so many jobs took at least {@code soonest} and at most {@code latest} seconds. */
    void seen(long bytes, int jobs, double soonest, double latest) {
        if (bytes <= 0) {
            return;
        }
        double least = perByte(bytes, jobs, soonest);
        double most = perByte(bytes, jobs, latest);
        if (believed() < least) {
            // What was hoped for more than this was in vain.
            learn(Math.min(perByte, least), least);
            step = FIRST_HOPE;
        } else {
            if (believed() > most) {
                learn(believed(), most);
            }
            hope(Math.min(MOST_HOPE, perByte / least));
        }
    }

    /** The fixed part was measured too, and not under all circumstances: so it explains most of a job at most. */
    private double perByte(long bytes, int jobs, double seconds) {
        return Math.max(seconds - jobs * fixed, seconds / 4) / bytes;
    }

    /** No more than what is left possible. */
    private void hope(double most) {
        hope = Math.max(hope, Math.min(hope * (1 + step), most));
        step *= GROWTH;
    }

    private void learn(double from, double to) {
        perByte = from + NEWEST * (Math.clamp(to, from / MOST_AT_ONCE, from * MOST_AT_ONCE) - from);
        hope = 1;
    }
}
