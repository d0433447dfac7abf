package dev.gatun.engine.cuda;

import java.util.Arrays;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The device's times of one iteration; JMH prints what follows from their median. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class DeviceTimes {
    private static final int MOST = 1 << 14;

    private final double[] seconds = new double[MOST];
    private int count;
    private TimedWorkload timed;

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        count = 0;
    }

    /** Adds the time of one operation; those after the first {@value #MOST} are not kept. */
    void add(TimedWorkload workload, double elapsed) {
        timed = workload;
        if (count < MOST) {
            seconds[count] = elapsed;
            count++;
        }
    }

    private double median() {
        if (count == 0) {
            throw new IllegalStateException("nothing was timed");
        }
        double[] sorted = Arrays.copyOf(seconds, count);
        Arrays.sort(sorted);
        return sorted[count / 2];
    }

    /** Of one operation. */
    public double deviceMicroseconds() {
        return median() * 1e6;
    }

    /** 10^9 of the bytes that the operation must touch, a second. */
    public double gigabytesPerSecond() {
        return timed.workload().bytes() / median() / 1e9;
    }

    /** 10^12 of the operations that it needs, a second; 0 if it does no products. */
    public double teraflopsPerSecond() {
        return timed.workload().operations() / median() / 1e12;
    }

    /** The least time that memory and tensor cores allow, over the time taken. */
    public double percentOfCeiling() {
        return 100 * timed.workload().leastSeconds(timed.ceilings()) / median();
    }

    /** Of a plain read, measured before. */
    public double ceilingGigabytesPerSecond() {
        return timed.ceilings().bytesPerSecond() / 1e9;
    }

    /** Of products of registers, measured before. */
    public double ceilingTeraflopsPerSecond() {
        return timed.ceilings().operationsPerSecond() / 1e12;
    }
}
