package dev.gatun.jmh;

import dev.gatun.offload.StoreFiller;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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
 * Filling the host's memory with experts of a mapped checkpoint, as opening a model does, and plainly copying the same file
 * into the same memory, turn about. The file lies in the page cache, so the copy is the ceiling; both have a thread for
 * each processor.
 *
 * <p>{@code make bench ARGS='\\bLoadBenchmark'}; {@link PinnedLoadBenchmark} is the same into page-locked memory.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 1, time = 20) // one: JMH would add up the rates of several
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class LoadBenchmark {
    private static final int IN_FILE = 4;
    private static final int BLOCKS = 4 * Runtime.getRuntime().availableProcessors();
    private static final int ALIGNMENT = 4096;

    private final Arena arena = Arena.ofShared();
    private StoredExperts experts;
    private MemorySegment target;

    /** Writes the file, which brings it into the page cache, and takes the memory. */
    @Setup
    public void open() throws IOException {
        experts = StoredExperts.write(IN_FILE);
        target = allocate(BLOCKS * experts.block().bytes());
        target.fill((byte) 1);
    }

    /** Memory to fill. */
    MemorySegment allocate(long bytes) {
        return arena.allocate(bytes, ALIGNMENT);
    }

    /** Fills all blocks, then copies as many experts as they lie in the file. */
    @Benchmark
    public void fillAndCopy(Race race) throws InterruptedException {
        long start = System.nanoTime();
        new StoreFiller(experts, BLOCKS).fill(IntStream.range(0, BLOCKS).toArray(), this::block, (bytes, total) -> {});
        long between = System.nanoTime();
        IntStream.range(0, BLOCKS).parallel().forEach(this::copy);
        long bytes = BLOCKS * experts.bytesInFile();
        race.add(bytes, between - start, bytes, System.nanoTime() - between);
    }

    private MemorySegment block(int block) {
        long bytes = experts.block().bytes();
        return target.asSlice(block * bytes, bytes);
    }

    private void copy(int block) {
        MemorySegment.copy(experts.inFile(block), 0, block(block), 0, experts.bytesInFile());
    }

    /** Deletes the file and frees the memory. */
    @TearDown
    public void close() throws IOException {
        experts.close();
        free();
        arena.close();
    }

    /** Gives back what {@link #allocate} took of somebody else. */
    void free() {}
}
