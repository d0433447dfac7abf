package dev.gatun.jmh;

import dev.gatun.engine.cuda.EndlessCopies;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A link that copies to the first GPU all the time. */
@State(Scope.Benchmark)
public class CopyingLink {
    /** MiB of page-locked memory that are copied over and over, a multiple of 8: more than caches hold. */
    @Param("2048")
    public int copiedMib;

    private EndlessCopies copies;

    /** Starts copying. */
    @Setup
    public void open() {
        copies = EndlessCopies.start((long) copiedMib << 20);
    }

    /** Bytes that have been copied so far. */
    long bytes() {
        return copies.bytes();
    }

    /** Ends it. */
    @TearDown
    public void close() {
        copies.close();
    }
}
