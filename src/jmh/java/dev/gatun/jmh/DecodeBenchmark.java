package dev.gatun.jmh;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.engine.ForwardPass;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.engine.cuda.CudaOptions;
import java.nio.file.Path;
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
 * A token of a whole model on the first GPU, its logits awaited and copied, as a graph and with a launch for each operation.
 * The demo model is so small that this is what launching costs and little else; {@code -p model=FOLDER} takes another.
 *
 * <p>{@code make bench ARGS="DecodeBenchmark -p context=1024"}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class DecodeBenchmark {
    private static final int TOKEN = 300;

    /** Whether a token is one launch. */
    @Param({"true", "false"})
    public boolean graphs;

    /** Positions before the first token; each sequence goes on for {@link #tokens} of them. */
    @Param({"0", "1024"})
    public int context;

    /** Tokens of a sequence, after which it goes on at {@link #context} again: a new graph for every 64 of them is paid. */
    @Param("256")
    public int tokens;

    /** A model folder. */
    @Param("src/demo/hqq-small")
    public String model;

    private Checkpoint checkpoint;
    private CudaBackend backend;
    private ForwardPass pass;
    private KvCache cache;
    private float[] logits;

    /** Loads the model and fills the context. */
    @Setup
    public void open() {
        checkpoint = Checkpoint.open(Path.of(model));
        backend = new CudaBackend(
                CudaDevice.open(0),
                checkpoint.config(),
                checkpoint.weights(),
                CudaOptions.defaults().withGraphs(graphs));
        pass = new ForwardPass(backend, checkpoint.config().layers());
        cache = backend.newKvCache(context + tokens, KvPrecision.F16);
        logits = new float[checkpoint.config().vocabularySize()];
        while (cache.length() < context) {
            int[] chunk = new int[Math.min(pass.nextChunk(cache), context - cache.length())];
            backend.await(pass.run(chunk, cache, 1), logits);
        }
    }

    /** Closes it in reverse order. */
    @TearDown
    public void close() {
        cache.close();
        backend.close();
        checkpoint.close();
    }

    /** The next token. */
    @Benchmark
    public float[] token() {
        if (cache.length() == cache.capacity()) {
            cache.truncate(context);
        }
        backend.await(pass.run(new int[] {TOKEN}, cache, 1), logits);
        return logits;
    }
}
