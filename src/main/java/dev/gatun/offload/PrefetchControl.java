package dev.gatun.offload;

import java.util.Arrays;

/**
 * Decides how many of a layer's guesses are copied ahead, by what they turned out to be worth. Guesses are ranked, likeliest
 * first, and each rank has its precision: how often it was right lately. A right guess saves the time of the bytes that
 * were there when the choice was known. A wrong one costs the time of those still in flight, which whatever is needed has to
 * wait for, and a little for those that took an idle link. So a rank pays as long as
 *
 * <pre>precision * saved &gt; (1 - precision) * harm</pre>
 *
 * <p>where both are means of what was measured lately, in bytes: they hold at whatever bandwidth the link has. Where the
 * last rank does not pay it is turned down. Guesses beyond the depth are not copied but compared with the choices all the
 * same, which costs nothing; once they would pay clearly they are copied again. What they would save can only be measured by
 * copying: therefore a rank that was turned down is tried again for a while now and then.
 */
public final class PrefetchControl {
    /** The weight of the newest of the guesses in a mean. */
    private static final double NEWEST = 1 / 16.0;

    /** What a wasted byte costs on a link that was idle: host memory is busy, and staged experts are overwritten. */
    private static final double IDLE_COST = 1 / 8.0;

    /** A rank is taken up again only when it pays with this margin, so that it does not flap. */
    private static final double MARGIN = 1.25;

    /** Guesses of a rank that was turned down until it is tried again. */
    private static final int UNTIL_TRIAL = 512;

    /** Guesses copied in a trial. */
    private static final int TRIAL = 8;

    private final int most;
    private final double[] precision;
    private double saved;
    private double harm;
    private int depth;
    private int untilTrial = UNTIL_TRIAL;
    private int trialLeft = TRIAL;
    private long turnedDown;

    /**
     * Makes a control that begins with all guesses, as if half of them had been right, and tries them for a while.
     *
     * @param most guesses of a layer that are copied at most
     * @param blockBytes bytes of an expert
     * @param chunkBytes bytes of a chunk, of which two are in flight
     */
    public PrefetchControl(int most, long blockBytes, long chunkBytes) {
        if (most < 0) {
            throw new IllegalArgumentException("prefetch: " + most + " experts");
        }
        this.most = most;
        this.depth = most;
        this.precision = new double[most];
        this.saved = blockBytes / 2.0;
        this.harm = Math.min(2.0 * chunkBytes, blockBytes / 2.0);
        Arrays.fill(precision, 0.5);
    }

    /** Guesses of a layer that are copied now. */
    public int depth() {
        return depth;
    }

    /** The most guesses of a layer that are ever copied; to pass more is of no use. */
    public int most() {
        return most;
    }

    /** How often the depth became less. */
    public long turnedDown() {
        return turnedDown;
    }

    /** The precision from which a guess pays. */
    public double breakEven() {
        return harm / (harm + saved);
    }

    /** How often guesses of a rank, from 0, were right lately. */
    public double precision(int rank) {
        return precision[rank];
    }

    /** A guess that was not copied turned out right or wrong. */
    public void compared(int rank, boolean right) {
        judged(rank, right);
    }

    /**
     * A guess whose copy was begun turned out right or wrong.
     *
     * @param bytes of it that were put in
     * @param inFlight those of them that had not arrived
     */
    public void copied(int rank, boolean right, long bytes, long inFlight) {
        if (right) {
            saved += NEWEST * (bytes - inFlight - saved);
        } else {
            harm += NEWEST * (inFlight + IDLE_COST * (bytes - inFlight) - harm);
        }
        judged(rank, right);
    }

    private void judged(int rank, boolean right) {
        precision[rank] += NEWEST * ((right ? 1 : 0) - precision[rank]);
        if (rank < depth) {
            trialLeft -= rank == depth - 1 && trialLeft > 0 ? 1 : 0;
            if (trialLeft == 0 && precision[rank] < breakEven()) {
                depth = rank;
                turnedDown++;
                untilTrial = UNTIL_TRIAL;
            }
        } else if (rank == depth) {
            untilTrial--;
            if (precision[rank] > Math.min(1, MARGIN * breakEven())) {
                depth++;
            } else if (untilTrial <= 0) {
                depth++;
                trialLeft = TRIAL;
            }
        }
    }
}
