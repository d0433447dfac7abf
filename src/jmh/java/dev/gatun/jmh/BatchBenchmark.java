package dev.gatun.jmh;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuMatrix;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The product of a weight matrix and 512 tokens, which is what reading a prompt does. It is bound by arithmetic: two
 * operations for each weight and token.
 *
 * <p>{@code java -cp … org.openjdk.jmh.Main BatchBenchmark -f 1 -wi 2 -i 3}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class BatchBenchmark {
    private static final int TOKENS = 512;

    /** The kind and shape of the matrix. */
    @Param
    public Shape shape;

    /** Threads, or {@code all} for one on each processor. */
    @Param("all")
    public String threads;

    private final Arena arena = Arena.ofShared();
    private CpuPool pool;
    private CpuMatrix matrix;
    private FloatMatrix x;
    private FloatMatrix y;

    /** Makes the matrix and the tokens, and starts the pool. */
    @Setup
    public void open() {
        matrix = shape.allocate(arena, new SplittableRandom(1)).matrix();
        pool = CpuPool.open(Threads.of(threads), CpuLevel.chosen());
        x = FloatMatrix.allocate(arena, TOKENS, shape.columns());
        x.fill(1);
        y = FloatMatrix.allocate(arena, TOKENS, shape.rows());
    }

    /** One product. */
    @Benchmark
    public void multiply() {
        pool.multiply(matrix, x, y);
    }

    /** Stops the pool and frees the memory. */
    @TearDown
    public void close() {
        pool.close();
        arena.close();
    }
}
