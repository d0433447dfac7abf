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
 * The plain read of the bytes that {@link MatvecBenchmark} computes with: the bound of every product with one token.
 *
 * <p>{@code java -cp … org.openjdk.jmh.Main 'MatvecBenchmark|ReadBenchmark' -f 1 -wi 2 -i 3}
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class ReadBenchmark {
    /** One read of the next matrix. */
    @Benchmark
    public long read(RotatingMatrices matrices, Traffic traffic) {
        Shape.Block block = matrices.next();
        traffic.add(block.memory().byteSize());
        return matrices.pool.read(block.memory());
    }
}
