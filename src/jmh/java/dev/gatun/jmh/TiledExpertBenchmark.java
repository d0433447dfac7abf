package dev.gatun.jmh;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/**
 * An expert computed straight from its block and a plain prefetching read of another block, turn about, by the same threads:
 * {@code percent} is what the kernel reaches of the read.
 *
 * <p>{@code make bench ARGS="TiledExpertBenchmark -p level=avx2,avx512vnni -p threads=8,16"}
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 1, time = 5) // one: JMH would add up the rates of several
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class TiledExpertBenchmark {
    /** One expert, one read of the block after that. */
    @Benchmark
    public long expertAndRead(RotatingExperts experts, Race race) {
        int computed = experts.next();
        long start = System.nanoTime();
        experts.pool.addExpert(experts.expert(computed), experts.x, experts.weights, experts.y);
        long between = System.nanoTime();
        int read = experts.next();
        long checksum = experts.pool.read(experts.block(read));
        long end = System.nanoTime();
        long bytes = experts.expert(computed).shape().bytes();
        race.add(bytes, between - start, experts.block(read).byteSize(), end - between);
        return checksum;
    }
}
