package dev.gatun.jmh;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cpu.LastLevelCache;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Matrices that take turns, so that each comes from memory and not from a cache, as the experts of a model do. The level
 * is the one that {@code GATUN_CPU} or {@code -Dgatun.cpu} chooses.
 */
@State(Scope.Benchmark)
public class RotatingMatrices {
    // So that nothing is left in the last-level cache when a matrix's turn comes again.
    private static final int CACHES = 4;

    /** The kind and shape of the matrices. */
    @Param
    public Shape shape;

    /** Threads, or {@code all} for one on each processor. */
    @Param({"1", "all"})
    public String threads;

    private final List<Shape.Block> blocks = new ArrayList<>();
    private final Arena arena = Arena.ofShared();
    private int next;

    CpuPool pool;
    FloatMatrix x;
    FloatMatrix y;

    /** Fills the memory and starts the pool. */
    @Setup
    public void open() {
        SplittableRandom random = new SplittableRandom(1);
        long enough = CACHES * LastLevelCache.bytes();
        for (long bytes = 0; bytes < enough; bytes += blocks.getLast().memory().byteSize()) {
            blocks.add(shape.allocate(arena, random));
        }
        pool = CpuPool.open(Threads.of(threads), CpuLevel.chosen());
        x = FloatMatrix.allocate(arena, 1, shape.columns());
        x.fill(1);
        y = FloatMatrix.allocate(arena, 1, shape.rows());
    }

    Shape.Block next() {
        next = (next + 1) % blocks.size();
        return blocks.get(next);
    }

    /** Stops the pool and frees the memory. */
    @TearDown
    public void close() {
        pool.close();
        arena.close();
        blocks.clear();
    }
}
