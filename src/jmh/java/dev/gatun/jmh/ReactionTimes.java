package dev.gatun.jmh;

import java.util.Arrays;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The distribution of reaction times of one iteration, in microseconds. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class ReactionTimes {
    private static final int MOST = 1 << 18;

    private final long[] nanoseconds = new long[MOST];
    private int count;

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        count = 0;
    }

    /** Adds one; those after the first {@value #MOST} are not kept. */
    void add(long elapsed) {
        if (count < MOST) {
            nanoseconds[count] = elapsed;
            count++;
        }
    }

    /** Half of all were no slower. */
    public double medianMicroseconds() {
        return percentile(0.5);
    }

    /** 99 % of all were no slower. */
    public double p99Microseconds() {
        return percentile(0.99);
    }

    /** The slowest of all. */
    public double slowestMicroseconds() {
        return percentile(1);
    }

    private double percentile(double fraction) {
        if (count == 0) {
            return 0;
        }
        long[] sorted = Arrays.copyOf(nanoseconds, count);
        Arrays.sort(sorted);
        int rank = (int) Math.ceil(fraction * count) - 1;
        return sorted[Math.max(0, rank)] / 1e3;
    }
}
