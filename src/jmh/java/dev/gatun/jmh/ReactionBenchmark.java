package dev.gatun.jmh;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaKernel;
import dev.gatun.cuda.CudaModule;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
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
 * How soon the host answers the device: a kernel publishes a number in mapped host memory, Java sees it and starts a copy
 * of 4 KiB on another stream, and the kernel, which waits for it, sees the last word of the copy. The time is the device's,
 * from before the number to after the word, so it bounds "published to copy started" from above.
 *
 * <p>A small serial heap keeps pauses away: {@code make bench ARGS=ReactionBenchmark}. Nothing is allocated in the loop.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 1, time = 1)
@Measurement(iterations = 1, time = 3) // one: JMH would add up the percentiles of several
@Fork(
        value = 1,
        jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx64m"})
public class ReactionBenchmark {
    // The wait is bounded: a device whose copies are held back while a kernel runs would wait forever.
    private static final String PTX = """
            .version 7.0
            .target sm_75
            .address_size 64
            .visible .entry react(.param .u64 published, .param .u64 copied, .param .u64 elapsed,
                                  .param .u32 number, .param .u64 delay, .param .u64 limit)
            {
                .reg .u64 %published, %copied, %elapsed, %delay, %limit, %start, %now, %time;
                .reg .u32 %number, %seen;
                .reg .pred %again;
                ld.param.u64 %published, [published];
                ld.param.u64 %copied, [copied];
                ld.param.u64 %elapsed, [elapsed];
                ld.param.u32 %number, [number];
                ld.param.u64 %delay, [delay];
                ld.param.u64 %limit, [limit];
                mov.u64 %start, %globaltimer;
            idle:
                mov.u64 %now, %globaltimer;
                sub.u64 %time, %now, %start;
                setp.lt.u64 %again, %time, %delay;
                @%again bra idle;
                mov.u64 %start, %globaltimer;
                st.release.sys.global.u32 [%published], %number;
            wait:
                ld.acquire.sys.global.u32 %seen, [%copied];
                mov.u64 %now, %globaltimer;
                sub.u64 %time, %now, %start;
                setp.eq.u32 %again, %seen, %number;
                @%again bra done;
                setp.lt.u64 %again, %time, %limit;
                @%again bra wait;
                mov.u64 %time, -1;
            done:
                st.global.u64 [%elapsed], %time;
                ret;
            }
            """;
    private static final VarHandle WORD = ValueLayout.JAVA_INT.varHandle();
    private static final LaunchShape ONE_THREAD = LaunchShape.of(1, 1);
    private static final int COPIED = 4096;
    private static final long LAST = COPIED - Integer.BYTES;

    /** So long Java polls already when the number comes. */
    private static final long DELAY = TimeUnit.MICROSECONDS.toNanos(20);

    private static final long LIMIT = TimeUnit.SECONDS.toNanos(1);
    private static final int SPINS_PER_LOOK_AT_THE_CLOCK = 1 << 12;

    private CudaStream compute;
    private CudaStream copies;
    private CudaModule module;
    private CudaKernel kernel;
    private KernelArguments arguments;
    private PinnedBuffer published;
    private PinnedBuffer elapsed;
    private PinnedBuffer source;
    private DeviceBuffer target;
    private int number;

    /** Takes all memory and loads the kernel: nothing may be allocated or loaded while a kernel waits. */
    @Setup
    public void open() {
        CudaDevice device = CudaDevice.open(0);
        compute = CudaStream.open(device);
        copies = CudaStream.open(device);
        module = CudaModule.load(device, PTX.getBytes(StandardCharsets.US_ASCII));
        kernel = module.kernel("react");
        published = PinnedBuffer.allocate(device, COPIED);
        elapsed = PinnedBuffer.allocate(device, COPIED);
        source = PinnedBuffer.allocate(device, COPIED);
        target = DeviceBuffer.allocate(device, COPIED);
        target.zero(copies);
        target.copyFrom(0, source, 0, COPIED, copies);
        copies.synchronize();
        arguments = kernel.newArguments()
                .set(0, published)
                .set(1, target.slice(LAST, Integer.BYTES))
                .set(2, elapsed)
                .set(4, DELAY)
                .set(5, LIMIT);
    }

    /** One question and answer. */
    @Benchmark
    public void react(ReactionTimes times) {
        number++;
        arguments.set(3, number);
        kernel.launch(ONE_THREAD, arguments, compute);
        source.segment().set(ValueLayout.JAVA_INT, LAST, number);
        awaitNumber();
        target.copyFrom(0, source, 0, COPIED, copies);
        compute.synchronize();
        times.add(requireAnswered(elapsed.segment().get(ValueLayout.JAVA_LONG, 0)));
    }

    private void awaitNumber() {
        long begin = System.nanoTime();
        int spins = 0;
        while ((int) WORD.getAcquire(published.segment(), 0L) != number) {
            Thread.onSpinWait();
            spins++;
            if (spins % SPINS_PER_LOOK_AT_THE_CLOCK == 0 && System.nanoTime() - begin > LIMIT) {
                throw new IllegalStateException("the device published nothing for a second");
            }
        }
    }

    private static long requireAnswered(long nanoseconds) {
        if (nanoseconds < 0) {
            throw new IllegalStateException("the device saw no answer for a second");
        }
        return nanoseconds;
    }

    /** Frees everything. */
    @TearDown
    public void close() {
        arguments.close();
        module.close();
        target.close();
        source.close();
        elapsed.close();
        published.close();
        copies.close();
        compute.close();
    }
}
