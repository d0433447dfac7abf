package dev.gatun.engine.cuda;

import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cpu.TiledBlock;
import dev.gatun.cpu.TiledExpert;
import dev.gatun.cpu.TiledExpertShape;
import dev.gatun.cpu.TiledPairs;
import dev.gatun.cpu.TiledWork;
import dev.gatun.engine.cpu.TiledShapes;
import dev.gatun.quant.ExpertCut;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The host's road on the threads of the CPU library, straight from the blocks that are also copied. */
final class CpuRoad implements HostRoad, AutoCloseable {
    private final CpuPool pool;
    private final ExpertCut cut;
    private final HandOff.HostSide handOff;
    private final Arena arena;
    private final List<TiledBlock> blocks;
    /** Of each expert, and of {@link #ANY} in front of them. */
    private final List<TiledPairs> pairs;

    private final int slicesOfPart;
    private final List<TiledWork> works = new ArrayList<>();
    /** Rows that lie together, of tokens that do not. */
    private final FloatMatrix inputs;

    private final FloatMatrix outputs;
    private final MemorySegment weights;

    /**
     * Describes the blocks of a store.
     *
     * @param pool outlives this, and is not closed with it
     * @param store likewise
     * @param experts of all layers
     */
    @SuppressWarnings("MustBeClosedChecker") // closed with this
    CpuRoad(CpuPool pool, PinnedStore store, ExpertCut cut, HandOff.HostSide handOff, int experts) {
        this.pool = pool;
        this.cut = cut;
        this.handOff = handOff;
        TiledExpertShape shape = TiledShapes.of(cut.block());
        this.slicesOfPart = shape.slices() / cut.parts();
        this.arena = Arena.ofShared();
        try {
            this.inputs = FloatMatrix.allocate(arena, MOST_TOKENS, shape.hidden());
            this.outputs = FloatMatrix.allocate(arena, MOST_TOKENS, shape.hidden());
            this.weights = arena.allocate((long) MOST_TOKENS * Float.BYTES, Float.BYTES);
            this.blocks = IntStream.range(0, store.blocks())
                    .mapToObj(block -> TiledBlock.of(arena, shape, store.block(block)))
                    .toList();
            this.pairs = IntStream.range(ANY, experts)
                    .mapToObj(expert -> new TiledPairs(arena, shape))
                    .toList();
        } catch (RuntimeException | Error failure) {
            arena.close();
            throw failure;
        }
    }

    private TiledExpert expert(int expert, int block) {
        TiledExpert there = blocks.get(block).holding(pairs.get(expert - ANY));
        there.prepare(pool.level());
        return there;
    }

    @Override
    public void add(int expert, int block, int fromPart, int token, int rank) {
        works.add(new TiledWork(
                expert(expert, block),
                fromPart * slicesOfPart,
                cut.parts() * slicesOfPart,
                handOff.inputs().rows(token, 1),
                handOff.weight(token, rank),
                handOff.outputs().rows(token, 1)));
    }

    @Override
    public void begin() {
        try {
            pool.begin(works);
        } finally {
            works.clear();
        }
    }

    @Override
    public void finish() {
        pool.finish();
    }

    @Override
    public void forget() {
        works.clear();
    }

    @Override
    public void prepare(int expert, int block) {
        expert(expert, block);
    }

    @Override
    public void addWhole(int expert, int block, int[] tokens, int[] ranks, int count) {
        FloatMatrix x = inputs.rows(0, count);
        FloatMatrix y = outputs.rows(0, count);
        y.segment().fill((byte) 0);
        for (int i = 0; i < count; i++) {
            inputs.rows(i, 1)
                    .segment()
                    .copyFrom(handOff.inputs().rows(tokens[i], 1).segment());
            weights.asSlice((long) i * Float.BYTES, Float.BYTES).copyFrom(handOff.weight(tokens[i], ranks[i]));
        }
        pool.addExpert(expert(expert, block), x, weights.asSlice(0, (long) count * Float.BYTES), y);
        for (int i = 0; i < count; i++) {
            add(
                    outputs.rows(i, 1).segment(),
                    handOff.outputs().rows(tokens[i], 1).segment());
        }
    }

    private static void add(MemorySegment more, MemorySegment sums) {
        for (long i = 0; i < sums.byteSize() / Float.BYTES; i++) {
            float sum = sums.getAtIndex(ValueLayout.JAVA_FLOAT, i) + more.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            sums.setAtIndex(ValueLayout.JAVA_FLOAT, i, sum);
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
