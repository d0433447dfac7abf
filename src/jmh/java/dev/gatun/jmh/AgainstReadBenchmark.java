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
 * A product with one token and a plain read of other bytes of the same kind, turn about: on a machine whose memory others
 * use too, only what was measured at the same time can be compared.
 *
 * <p>{@code make bench ARGS=AgainstReadBenchmark}
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 1, time = 10) // one: JMH would add up the rates of several
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class AgainstReadBenchmark {
    /** One product with the next matrix, one read of the matrix after that. */
    @Benchmark
    public long productAndRead(RotatingMatrices matrices, Race race) {
        Shape.Block product = matrices.next();
        long start = System.nanoTime();
        matrices.pool.multiply(product.matrix(), matrices.x, matrices.y);
        long between = System.nanoTime();
        Shape.Block read = matrices.next();
        long checksum = matrices.pool.read(read.memory());
        race.add(product.matrix().bytes(), between - start, read.memory().byteSize(), System.nanoTime() - between);
        return checksum;
    }
}
