package dev.gatun.jmh;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
 * Copies between host and device, each waited for before the next one: small ones show what a copy costs, large ones the
 * link. All run in the JVM that started them, since starting CUDA takes longer than a measurement.
 *
 * <p>{@code make bench ARGS=CopyBenchmark}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1, time = 200, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 2, time = 200, timeUnit = TimeUnit.MILLISECONDS)
@Fork(0)
public class CopyBenchmark {
    private static final int ALIGNMENT = 4096;

    /** What lies on the host. */
    public enum HostMemory {
        /** Page-locked, as copies need it to run at full speed. */
        PINNED,
        /** Any other memory. */
        PAGEABLE
    }

    /** Whether the memory on the host is page-locked. */
    @Param
    public HostMemory memory;

    /** Bytes of a copy. */
    @Param({"4096", "65536", "1048576", "16777216", "67108864"})
    public int bytes;

    private final Arena arena = Arena.ofShared();
    private CudaStream stream;
    private DeviceBuffer device;
    private PinnedBuffer pinned;
    private MemorySegment pageable;

    /** Takes the memory of both sides and touches it. */
    @Setup
    public void open() {
        CudaDevice gpu = CudaDevice.open(0);
        stream = CudaStream.open(gpu);
        device = DeviceBuffer.allocate(gpu, bytes);
        device.zero(stream);
        pinned = PinnedBuffer.allocate(gpu, bytes);
        pageable = arena.allocate(bytes, ALIGNMENT).fill((byte) 1);
    }

    /** Host to device. */
    @Benchmark
    public void toDevice(Traffic traffic) {
        if (memory == HostMemory.PINNED) {
            device.copyFrom(0, pinned, 0, bytes, stream);
            stream.synchronize();
        } else {
            device.upload(0, pageable, stream);
        }
        traffic.add(bytes);
    }

    /** Device to host. */
    @Benchmark
    public void toHost(Traffic traffic) {
        if (memory == HostMemory.PINNED) {
            device.copyTo(0, pinned, 0, bytes, stream);
            stream.synchronize();
        } else {
            device.download(0, pageable, stream);
        }
        traffic.add(bytes);
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        arena.close();
        pinned.close();
        device.close();
        stream.close();
    }
}
