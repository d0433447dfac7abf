package dev.gatun.jmh;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cpu.LastLevelCache;
import dev.gatun.cpu.TiledExpert;
import dev.gatun.cuda.HugePages;
import dev.gatun.engine.cpu.TiledShapes;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.RandomTiles;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Experts of Mixtral 8x7B as blocks of tiles that take turns, so that each comes from memory and not from a cache; on huge pages,
 * as in the engine.
 */
@State(Scope.Benchmark)
public class RotatingExperts {
    private static final int CACHES = 4;
    private static final int HIDDEN = 4096;
    private static final int INTERMEDIATE = 14336;
    private static final int SCALE_GROUP = 128;

    /** {@code Q2}: 3.0 bits a weight, {@code Q2N}: 2.53. */
    @Param({"Q2", "Q2N"})
    public TileFormat format;

    /** Tokens that the expert computes at once. */
    @Param({"1", "2", "4"})
    public int tokens;

    /** Threads, or {@code all} for one on each processor. */
    @Param({"1", "all"})
    public String threads;

    /** An instruction set, or {@code chosen}: the best one, unless {@code GATUN_CPU} or {@code -Dgatun.cpu} forces another. */
    @Param("chosen")
    public String level;

    private final List<TiledExpert> experts = new ArrayList<>();
    private final List<MemorySegment> blocks = new ArrayList<>();
    private final Arena arena = Arena.ofShared();
    private int next;

    CpuPool pool;
    FloatMatrix x;
    FloatMatrix y;
    MemorySegment weights;

    /** Fills the memory and starts the pool. */
    @Setup
    public void open() {
        ExpertBlock block = new ExpertBlock(
                shape(INTERMEDIATE, HIDDEN),
                shape(INTERMEDIATE, HIDDEN),
                shape(HIDDEN, INTERMEDIATE).asDown());
        long count = Math.max(2, Math.ceilDiv(CACHES * LastLevelCache.bytes(), block.bytes()));
        MemorySegment memory = HugePages.allocate(arena, count * block.bytes());
        for (int i = 0; i < count; i++) {
            blocks.add(memory.asSlice(i * block.bytes(), block.bytes()));
        }
        fill(block, blocks.getFirst());
        blocks.stream().skip(1).forEach(other -> other.copyFrom(blocks.getFirst()));
        blocks.forEach(place -> experts.add(TiledExpert.of(arena, TiledShapes.of(block), place)));
        pool = CpuPool.open(Threads.of(threads), levelOf(level));
        x = FloatMatrix.allocate(arena, tokens, HIDDEN);
        x.fill(1);
        y = FloatMatrix.allocate(arena, tokens, HIDDEN);
        weights = arena.allocate(ValueLayout.JAVA_FLOAT, tokens);
    }

    private TileShape shape(int rows, int columns) {
        int groups = rows / format.groupSize() * columns;
        return new TileShape(format, rows, columns, format == TileFormat.Q2N ? 0 : groups / SCALE_GROUP);
    }

    private static void fill(ExpertBlock block, MemorySegment memory) {
        RandomTiles tiles = new RandomTiles(1);
        tiles.fill(block.gate(), memory.asSlice(block.gateOffset(), block.gate().bytes()));
        tiles.fill(block.up(), memory.asSlice(block.upOffset(), block.up().bytes()));
        tiles.fill(block.down(), memory.asSlice(block.downOffset(), block.down().bytes()));
    }

    private static CpuLevel levelOf(String name) {
        return name.equals("chosen") ? CpuLevel.chosen() : CpuLevel.valueOf(name.toUpperCase(Locale.ROOT));
    }

    /** The number of the expert whose turn it is. */
    int next() {
        next = (next + 1) % blocks.size();
        return next;
    }

    TiledExpert expert(int number) {
        return experts.get(number);
    }

    MemorySegment block(int number) {
        return blocks.get(number);
    }

    /** Stops the pool and frees the memory. */
    @TearDown
    public void close() {
        pool.close();
        arena.close();
    }
}
