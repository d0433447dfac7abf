package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.TileFormat;
import java.util.List;
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
 * The operations of the CUDA backend at the sizes of Mixtral 8x7B, timed on the device and compared with its ceilings,
 * which are measured just before. JMH's own score is the host's view of a whole graph: look at the counters. All run in
 * the JVM that started them, which the device's times do not depend on, since starting CUDA takes longer than a measurement.
 *
 * <p>Weights come from memory: nothing of them is in the second-level cache when an operation begins. Activations, of the
 * operations on nothing else, may be: these can exceed 100 % of the memory's rate.
 *
 * <p>{@code make bench ARGS="KernelBenchmark -p work=experts-q2/1,experts-q2/8"}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 1, time = 200, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(
        iterations = 1,
        time = 500,
        timeUnit = TimeUnit.MILLISECONDS) // one: JMH would add up the medians of several
@Fork(0)
public class KernelBenchmark {
    /** Operation and tokens; of attention, also the positions in the cache. */
    @Param({
        "experts-q2/1",
        "experts-q2/2",
        "experts-q2/4",
        "experts-q2/8",
        "experts-q2/64",
        "experts-q2/512",
        "experts-q2/2048",
        "experts-q2n/1",
        "experts-q2n/2",
        "experts-q2n/4",
        "experts-q2n/8",
        "experts-q2n/64",
        "experts-q2n/512",
        "experts-q2n/2048",
        "qkv/1",
        "qkv/2",
        "qkv/4",
        "qkv/8",
        "qkv/64",
        "qkv/512",
        "qkv/2048",
        "output/1",
        "output/2",
        "output/4",
        "output/8",
        "output/64",
        "output/512",
        "output/2048",
        "head/1",
        "head/8",
        "head/512",
        "router/1",
        "router/8",
        "router/2048",
        "attention/1/1024",
        "attention/1/32768",
        "attention/8/1024",
        "attention/512/512",
        "attention/2048/2048",
        "norm/1",
        "norm/2048",
        "embed/1",
        "embed/2048",
        "candidates/1"
    })
    public String work;

    private BenchmarkDevice device;
    private CudaOperations operations;
    private TimedWorkload timed;

    /** Makes weights and inputs, and measures the ceilings. */
    @Setup
    public void open() {
        List<String> parts = List.of(work.split("/", -1));
        int tokens = Integer.parseInt(parts.get(1));
        device = BenchmarkDevice.open(tokens);
        WorkloadFactory factory = new WorkloadFactory(device, tokens);
        timed = TimedWorkload.capture(device, workload(parts, tokens, factory));
    }

    private Workload workload(List<String> parts, int tokens, WorkloadFactory factory) {
        return switch (parts.getFirst()) {
            case "experts-q2" -> experts(factory, TileFormat.Q2, tokens);
            case "experts-q2n" -> experts(factory, TileFormat.Q2N, tokens);
            case "attention" -> AttentionWorkloads.attend(device, tokens, Integer.parseInt(parts.get(2)));
            default -> trunk(parts.getFirst(), factory, tokens);
        };
    }

    private Workload experts(WorkloadFactory factory, TileFormat format, int tokens) {
        LayerExperts.Tiled layer = factory.layer(format);
        prepare(tokens, List.of(layer));
        return factory.experts(operations.experts(), layer);
    }

    private Workload trunk(String name, WorkloadFactory factory, int tokens) {
        prepare(tokens, List.of());
        return switch (name) {
            case "qkv" -> factory.projections(operations.products());
            case "output" -> factory.output(operations.products());
            case "head" -> factory.head(operations.products());
            case "router" -> factory.router(operations.router());
            case "norm" -> factory.norm(operations.tokens());
            case "embed" -> factory.embed(operations.tokens());
            case "candidates" -> factory.candidates(operations.candidates());
            default -> throw new IllegalArgumentException("no such operation: " + work);
        };
    }

    /** Makes the operations as a backend does, for these experts. */
    private void prepare(int tokens, List<LayerExperts> experts) {
        MixtralConfig config = Mixtral8x7b.CONFIG;
        DeviceMemory none = device.integers(0);
        DeviceMatrix.Dense empty = new DeviceMatrix.Dense(FloatType.F16, 1, 1, 0, none);
        List<CudaWeights.Layer> layers = experts.stream()
                .map(layer -> new CudaWeights.Layer(none, Projections.of(List.of(empty)), empty, none, empty, layer))
                .toList();
        CudaWeights weights = new CudaWeights(new EmbeddingTable.OnDevice(empty), layers, none, empty);
        operations = CudaOperations.prepare(device.resources(), config, weights, device.workspace(), tokens);
    }

    /** All of the workload's operations, one behind the other. */
    @Benchmark
    public void run(DeviceTimes times) {
        times.add(timed, timed.seconds());
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        timed.close();
        device.close();
    }
}
