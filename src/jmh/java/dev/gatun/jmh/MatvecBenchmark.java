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
 * The product of a weight matrix and one token, which is what decoding does. Its gigabytes per second against those of
 * {@link ReadBenchmark} say how near it comes to the bound:
 *
 * <p>{@code java -cp … org.openjdk.jmh.Main 'MatvecBenchmark|ReadBenchmark' -f 1 -wi 2 -i 3}
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class MatvecBenchmark {
    /** One product with the next matrix. */
    @Benchmark
    public void multiply(RotatingMatrices matrices, Traffic traffic) {
        Shape.Block block = matrices.next();
        matrices.pool.multiply(block.matrix(), matrices.x, matrices.y);
        traffic.add(block.matrix().bytes());
    }
}
