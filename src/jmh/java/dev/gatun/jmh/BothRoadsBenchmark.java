package dev.gatun.jmh;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Both roads to missing experts at once: some experts computed straight from their blocks, and plain prefetching reads of other
 * blocks, turn about, by the same threads, while the link copies other memory to the GPU all the time. Rates of product and read
 * are those of both roads together, and {@code percent} is what experts and copies reach of plain reads and copies.
 *
 * <p>Who puts in the copies needs a processor, so give experts one less than there are ({@code all} is one too many), as the
 * engine does: {@code make bench ARGS="BothRoadsBenchmark -p threads=15 -p tokens=1"}.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 1, time = 5) // one: JMH would add up the rates of several
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class BothRoadsBenchmark {
    /** Of experts, and of blocks that are read, before the turn is the other's: a copy that ends in the wrong turn is then little. */
    private static final int TOGETHER = 8;

    /** Some experts, then reads of the blocks after those. */
    @Benchmark
    public void expertsAndReads(RotatingExperts experts, CopyingLink link, Race race, RoadRates roads) {
        long copiedBefore = link.bytes();
        long start = System.nanoTime();
        long computed = compute(experts);
        long between = System.nanoTime();
        long copiedBetween = link.bytes();
        long read = read(experts);
        long end = System.nanoTime();
        long besideExperts = copiedBetween - copiedBefore;
        long besideReads = link.bytes() - copiedBetween;
        race.add(computed + besideExperts, between - start, read + besideReads, end - between);
        roads.addProcessor(computed, between - start, read, end - between);
        roads.addLink(besideExperts, between - start, besideReads, end - between);
    }

    private static long compute(RotatingExperts experts) {
        long bytes = 0;
        for (int i = 0; i < TOGETHER; i++) {
            int expert = experts.next();
            experts.pool.addExpert(experts.expert(expert), experts.x, experts.weights, experts.y);
            bytes += experts.expert(expert).shape().bytes();
        }
        return bytes;
    }

    private static long read(RotatingExperts experts) {
        long bytes = 0;
        for (int i = 0; i < TOGETHER; i++) {
            MemorySegment block = experts.block(experts.next());
            experts.pool.read(block);
            bytes += block.byteSize();
        }
        return bytes;
    }
}
