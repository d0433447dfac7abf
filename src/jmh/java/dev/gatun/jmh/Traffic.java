package dev.gatun.jmh;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Counts what a benchmark reads; JMH prints it per second, beside the score. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Traffic {
    private long bytes;

    /** Starts anew. */
    @Setup(Level.Iteration)
    public void reset() {
        bytes = 0;
    }

    void add(long more) {
        bytes += more;
    }

    /** Gigabytes of 10^9 bytes. */
    public double gigabytes() {
        return bytes / 1e9;
    }
}
