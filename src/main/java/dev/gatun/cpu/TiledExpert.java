package dev.gatun.cpu;

import dev.gatun.bindings.cpu.gatun_tiled_expert;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One expert that is computed where it lies: a descriptor that points to a block of tiles, which is also what is copied to a
 * GPU. It maps x to w2 &middot; (silu(w1 &middot; x) &#8857; (w3 &middot; x)); see {@link CpuPool#addExperts}.
 *
 * <p>The descriptor lives in the arena given, and so does what is {@link TiledPairs kept} of the expert; the block lives in its
 * own. Using the expert after either was closed throws {@link IllegalStateException}; whoever closes the block's arena first
 * waits for the operations that use it. A block may hold another expert from one operation to the next if each comes
 * {@link #with with pairs} of its own.
 */
public final class TiledExpert {
    private final TiledExpertShape shape;
    private final MemorySegment struct;
    private final Liveness liveness;
    private final TiledPairs pairs;

    private TiledExpert(TiledExpertShape shape, MemorySegment struct, Liveness liveness, TiledPairs pairs) {
        this.shape = shape;
        this.struct = struct;
        this.liveness = liveness;
        this.pairs = pairs;
    }

    /**
     * Describes an expert.
     *
     * @param block at least {@code shape.bytes()} bytes outside the heap, at a multiple of {@value TiledExpertShape#ALIGNMENT}
     * @throws IllegalArgumentException if the block is on the heap, too small or not aligned
     */
    public static TiledExpert of(Arena arena, TiledExpertShape shape, MemorySegment block) {
        Arguments.requireAtMost("the size of an expert", shape.bytes(), "that of its block", block.byteSize());
        Arguments.requireNative("a block", block, block.byteSize());
        Arguments.requireMultiple(
                "the address of a block", block.address(), "the alignment", TiledExpertShape.ALIGNMENT);
        MemorySegment struct = gatun_tiled_expert.allocate(arena);
        gatun_tiled_expert.block(struct, block);
        gatun_tiled_expert.hidden(struct, shape.hidden());
        gatun_tiled_expert.inner(struct, shape.intermediate());
        gatun_tiled_expert.wide_pairs(struct, shape.widePairs());
        gatun_tiled_expert.down_pairs(struct, shape.downPairs());
        gatun_tiled_expert.format(struct, shape.format().code());
        return new TiledExpert(shape, struct, Liveness.of(List.of(struct, block)), new TiledPairs(arena, shape));
    }

    /**
     * The same block when it holds the expert that these pairs belong to.
     *
     * @throws IllegalArgumentException if they are those of another shape
     */
    public TiledExpert with(TiledPairs others) {
        if (!others.shape().equals(shape)) {
            throw new IllegalArgumentException("pairs of " + others.shape() + " do not go with " + shape);
        }
        return new TiledExpert(shape, struct, liveness, others);
    }

    /** The shape. */
    public TiledExpertShape shape() {
        return shape;
    }

    MemorySegment struct() {
        return struct;
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
        return pairs.of(level, struct);
    }

    /** Throws unless all its memory can be used now. */
    void requireUsable() {
        liveness.require("an expert");
        pairs.requireUsable();
    }
}
