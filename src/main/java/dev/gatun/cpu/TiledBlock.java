package dev.gatun.cpu;

import dev.gatun.bindings.cpu.gatun_tiled_expert;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A place for an expert: a descriptor that points to a block of tiles, which is also what is copied to a GPU. It may hold
 * another expert from one operation to the next; {@link #holding} says which.
 *
 * <p>The descriptor lives in the arena given, the block in its own.
 */
public final class TiledBlock {
    private final TiledExpertShape shape;
    private final MemorySegment struct;
    private final Liveness liveness;

    private TiledBlock(TiledExpertShape shape, MemorySegment struct, Liveness liveness) {
        this.shape = shape;
        this.struct = struct;
        this.liveness = liveness;
    }

    /**
     * Describes a block.
     *
     * @param block at least {@code shape.bytes()} bytes outside the heap, at a multiple of {@value TiledExpertShape#ALIGNMENT}
     * @throws IllegalArgumentException if the block is on the heap, too small or not aligned
     */
    public static TiledBlock of(Arena arena, TiledExpertShape shape, MemorySegment block) {
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
        gatun_tiled_expert.down_order(struct, shape.downOrder().code());
        return new TiledBlock(shape, struct, Liveness.of(List.of(struct, block)));
    }

    /**
     * The expert that it holds.
     *
     * @param pairs of that expert
     * @throws IllegalArgumentException if they are those of another shape
     */
    public TiledExpert holding(TiledPairs pairs) {
        return new TiledExpert(this, pairs);
    }

    /** The shape of the expert. */
    public TiledExpertShape shape() {
        return shape;
    }

    MemorySegment struct() {
        return struct;
    }

    /** Throws unless all its memory can be used now. */
    void requireUsable() {
        liveness.require("an expert");
    }
}
