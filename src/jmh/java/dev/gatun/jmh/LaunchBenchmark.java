package dev.gatun.jmh;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaGraph;
import dev.gatun.cuda.CudaKernel;
import dev.gatun.cuda.CudaModule;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.cuda.PinnedBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs the host to put work into a stream. The device keeps up with all of these but launches, whose queue fills:
 * their time is then the device's. Nothing is allocated: {@code -prof gc} shows zero bytes an operation, but for the
 * profiler's own noise of less than one.
 *
 * <p>{@code make bench ARGS="LaunchBenchmark -prof gc"}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 2, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class LaunchBenchmark {
    private static final String PTX = """
            .version 7.0
            .target sm_75
            .address_size 64
            .visible .entry empty(.param .u64 a, .param .u64 b, .param .u32 n) { ret; }
            """;
    private static final LaunchShape SHAPE = LaunchShape.of(1, 32);
    private static final int COPIED = 4096;
    private static final int NODES = 100;

    private CudaStream stream;
    private CudaStream other;
    private CudaEvent event;
    private CudaModule module;
    private CudaKernel kernel;
    private DeviceBuffer buffer;
    private PinnedBuffer pinned;
    private KernelArguments arguments;
    private CudaGraph graph;

    /** Opens all there is to measure. */
    @Setup
    public void open() {
        CudaDevice device = CudaDevice.open(0);
        stream = CudaStream.open(device);
        other = CudaStream.open(device);
        event = CudaEvent.open(device);
        module = CudaModule.load(device, PTX.getBytes(StandardCharsets.US_ASCII));
        kernel = module.kernel("empty");
        buffer = DeviceBuffer.allocate(device, COPIED);
        pinned = PinnedBuffer.allocate(device, COPIED);
        arguments = kernel.newArguments().set(0, buffer).set(1, buffer).set(2, 1);
        graph = CudaGraph.capture(stream, () -> {
            for (int i = 0; i < NODES; i++) {
                kernel.launch(SHAPE, arguments, stream);
            }
        });
        stream.record(event);
    }

    /** Closes it in reverse order. */
    @TearDown
    public void close() {
        graph.close();
        arguments.close();
        pinned.close();
        buffer.close();
        module.close();
        event.close();
        other.close();
        stream.close();
    }

    /** One launch of a kernel that does nothing, with three arguments. */
    @Benchmark
    public void launch() {
        kernel.launch(SHAPE, arguments, stream);
    }

    /** The same, with an argument set again. */
    @Benchmark
    public void setAndLaunch() {
        arguments.set(1, buffer).set(2, 2);
        kernel.launch(SHAPE, arguments, stream);
    }

    /** One launch of a graph of a hundred such kernels. */
    @Benchmark
    public void graphOf100() {
        graph.launch(stream);
    }

    /** Recording an event. */
    @Benchmark
    public void record() {
        stream.record(event);
    }

    /** Letting a stream wait for an event. */
    @Benchmark
    public void waitFor() {
        other.waitFor(event);
    }

    /** Asking whether an event has happened. */
    @Benchmark
    public boolean hasHappened() {
        return event.hasHappened();
    }

    /** A copy of 4 KiB to the device, at an offset that a slice would have. */
    @Benchmark
    public void copy() {
        buffer.copyFrom(0, pinned, 0, COPIED, stream);
    }

    /** An empty kernel there and back: launch and wait. */
    @Benchmark
    public void launchAndSynchronize() {
        kernel.launch(SHAPE, arguments, stream);
        stream.synchronize();
    }
}
