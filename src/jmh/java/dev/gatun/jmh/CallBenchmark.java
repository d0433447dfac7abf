package dev.gatun.jmh;

import dev.gatun.bindings.cpu.CpuLibrary;
import dev.gatun.cpu.CpuInfo;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to call native code from Java: a function of the CPU library that returns a constant.
 *
 * <p>{@code java -cp … org.openjdk.jmh.Main CallBenchmark -f 1 -wi 2 -i 3}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class CallBenchmark {
    /** Loads the library, which the bindings take for granted. */
    @Setup
    public void load() {
        CpuInfo.ofThisMachine();
    }

    /** One call with nothing to do. */
    @Benchmark
    public int call() {
        return CpuLibrary.gatun_cpu_abi();
    }
}
