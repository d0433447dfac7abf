package dev.gatun.jmh;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import dev.gatun.quantize.OpenedSolver;
import dev.gatun.quantize.SolverChoice;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Quantizing a matrix of an 8x7B's experts from bf16, with a thread for each processor. An operation is a weight: the 46.7e9
 * of the model over the rate are the seconds it takes.
 *
 * <p>{@code make bench ARGS='SolverBenchmark -p solver=least-squares -p backend=cuda'}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class SolverBenchmark {
    private static final int ROWS = 14336;
    private static final int COLUMNS = 4096;
    private static final Map<String, SolverChoice> SOLVERS =
            Map.of("hqq", SolverChoice.HQQ, "least-squares", SolverChoice.LEAST_SQUARES);
    private static final Map<String, QuantizationScheme> SCHEMES =
            Map.of("q2n", new NarrowScheme(2, 16), "q2", new HqqScheme(2, 16, 128), "q4", new HqqScheme(4, 64, 256));

    private final Arena arena = Arena.ofShared();
    private final Workers workers = Workers.open(Runtime.getRuntime().availableProcessors());

    /** What finds the codes. */
    @Param({"least-squares", "hqq"})
    public String solver;

    /** Gatun's own scheme, and those of the published checkpoint's experts and attention. */
    @Param({"q2n", "q2", "q4"})
    public String scheme;

    /** Where it runs: cpu, or cuda, one matrix at a time. */
    @Param("cpu")
    public String backend;

    private DenseMatrix weights;
    private OpenedSolver opened;

    /** Makes weights of about a normal distribution. */
    @Setup
    public void open() {
        SolverChoice choice = SOLVERS.get(solver);
        opened = backend.equals("cuda") ? OpenedSolver.cuda(choice) : OpenedSolver.cpu(choice, workers.threads());
        SplittableRandom random = new SplittableRandom(1);
        MemorySegment values = arena.allocate((long) Short.BYTES * ROWS * COLUMNS);
        for (long i = 0; i < (long) ROWS * COLUMNS; i++) {
            float value = (float) (0.04 * (random.nextDouble() + random.nextDouble() + random.nextDouble() - 1.5));
            values.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >>> 16));
        }
        weights = new DenseMatrix(FloatType.BF16, ROWS, COLUMNS, values);
    }

    /** Quantizes the matrix. */
    @Benchmark
    @OperationsPerInvocation(ROWS * COLUMNS)
    public long quantize() {
        try (Arena result = Arena.ofShared()) {
            QuantizedMatrix matrix =
                    opened.solver().quantize("w1", weights, Target.of(SCHEMES.get(scheme), result, workers));
            return matrix.bytes();
        }
    }

    /** Ends the threads and frees the matrix. */
    @TearDown
    public void close() {
        opened.close();
        workers.close();
        arena.close();
    }
}
