package dev.gatun.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One expert that is computed where it lies, in a {@link TiledBlock}. It maps x to w2 &middot; (silu(w1 &middot; x) &#8857;
 * (w3 &middot; x)); see {@link CpuPool#addExperts}.
 *
 * <p>Using the expert after the arena of its descriptor, of its block, or of its pairs was closed throws
 * {@link IllegalStateException}; whoever closes the block's arena first waits for the operations that use it.
 */
public final class TiledExpert {
    private final TiledBlock block;
    private final TiledPairs pairs;

    /**
     * An expert.
     *
     * @param pairs its own
     * @throws IllegalArgumentException if they are those of another shape
     */
    TiledExpert(TiledBlock block, TiledPairs pairs) {
        if (!pairs.shape().equals(block.shape())) {
            throw new IllegalArgumentException("pairs of " + pairs.shape() + " do not go with " + block.shape());
        }
        this.block = block;
        this.pairs = pairs;
    }

    /**
     * Describes an expert that stays in its block; the descriptor lives in the arena given, and so does what is
     * {@link TiledPairs kept} of the expert.
     *
     * @param block as {@link TiledBlock#of} wants it
     * @throws IllegalArgumentException if the block is on the heap, too small or not aligned
     */
    public static TiledExpert of(Arena arena, TiledExpertShape shape, MemorySegment block) {
        return TiledBlock.of(arena, shape, block).holding(new TiledPairs(arena, shape));
    }

    /** The shape. */
    public TiledExpertShape shape() {
        return block.shape();
    }

    /** Where it lies. */
    TiledBlock block() {
        return block;
    }

    MemorySegment struct() {
        return block.struct();
    }

    /**
     * Makes what is kept of it for pools of a level, unless it is there; else the first operation does.
     *
     * @throws CpuException if the machine lacks the level
     */
    public void prepare(CpuLevel level) {
        requireUsable();
        pairs(level);
    }

    /** What is kept of it for a level. */
    MemorySegment pairs(CpuLevel level) {
        return pairs.of(level, struct());
    }

    /** Throws unless all its memory can be used now. */
    void requireUsable() {
        block.requireUsable();
        pairs.requireUsable();
    }
}
