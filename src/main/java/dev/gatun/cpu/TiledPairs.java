package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.Map;

/**
 * What the CPU library makes of the second-level scales of one expert, and reads whenever it computes it: about 0.7 % of an
 * 8x7B's expert in {@link CpuTileFormat#Q2}, nothing for {@link CpuTileFormat#Q2N}. It is made when a pool computes the
 * expert first, for the level of that pool, from the block in which the expert lies then; so it goes with the expert,
 * wherever that is moved to, and never with another one.
 *
 * <p>The memory is the arena's, which frees it. Any thread may use it that may use the arena.
 */
public final class TiledPairs {
    private final Arena arena;
    private final TiledExpertShape shape;
    /** What they are made in; it stays when that fails, since an arena frees nothing before it is closed. */
    private final Map<CpuLevel, MemorySegment> taken = new EnumMap<>(CpuLevel.class);

    private final Map<CpuLevel, MemorySegment> made = new EnumMap<>(CpuLevel.class);

    /** Makes nothing yet. */
    public TiledPairs(Arena arena, TiledExpertShape shape) {
        this.arena = arena;
        this.shape = shape;
    }

    /** The shape of the expert. */
    TiledExpertShape shape() {
        return shape;
    }

    /** Throws unless its memory can be used now. */
    void requireUsable() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the memory of an expert's pairs was freed: its arena is closed");
        }
    }

    /**
     * For a level; made now if they were not before.
     *
     * @param expert the descriptor of a block that holds the expert
     */
    synchronized MemorySegment of(CpuLevel level, MemorySegment expert) {
        return made.computeIfAbsent(level, some -> make(some, expert));
    }

    private MemorySegment make(CpuLevel level, MemorySegment expert) {
        if (shape.format() == CpuTileFormat.Q2N) {
            return MemorySegment.NULL;
        }
        MemorySegment pairs =
                taken.computeIfAbsent(level, some -> arena.allocate(bytes(some, expert), TiledExpertShape.ALIGNMENT));
        int code = CpuLibrary.gatun_tiled_pairs(level.code(), expert, pairs, pairs.byteSize());
        CpuException.check(code, "scales of an expert");
        return pairs;
    }

    private static long bytes(CpuLevel level, MemorySegment expert) {
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment bytes = scratch.allocate(ValueLayout.JAVA_LONG);
            int code = CpuLibrary.gatun_tiled_pairs_bytes(level.code(), expert, bytes);
            CpuException.check(code, "size of an expert's scales");
            return bytes.get(ValueLayout.JAVA_LONG, 0);
        }
    }
}
