package dev.gatun.cpu;

import dev.gatun.bindings.cpu.gatun_expert;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;

/**
 * The experts of one layer; expert e maps x to down &middot; (silu(gate &middot; x) &#8857; (up &middot; x)). All experts
 * have the same shapes: gate and up [intermediate, hidden], down [hidden, intermediate].
 *
 * <p>The descriptors live in the arena given; the rules of {@link CpuMatrix} about the weights hold.
 */
public final class CpuExperts {
    private final MemorySegment structs;
    private final int count;
    private final int hidden;
    private final int intermediate;
    private final Liveness liveness;

    private CpuExperts(MemorySegment structs, CpuMatrix gate, List<CpuMatrix> all) {
        this.structs = structs;
        this.count = all.size() / 3;
        this.hidden = gate.columns();
        this.intermediate = gate.rows();
        this.liveness = Liveness.ofAll(Stream.concat(
                        Stream.of(Liveness.of(List.of(structs))), all.stream().map(CpuMatrix::liveness))
                .toList());
    }

    /**
     * Gathers the experts of a layer: entry e of each list belongs to expert e.
     *
     * @throws IllegalArgumentException if the lists are empty or differ in length, or the shapes do not fit each other
     */
    public static CpuExperts of(Arena arena, List<CpuMatrix> gates, List<CpuMatrix> ups, List<CpuMatrix> downs) {
        Arguments.requirePositive("the number of experts", gates.size());
        Arguments.requireEqual("the number of ups", ups.size(), "that of gates", gates.size());
        Arguments.requireEqual("the number of downs", downs.size(), "that of gates", gates.size());
        MemorySegment structs = gatun_expert.allocateArray(gates.size(), arena);
        for (int e = 0; e < gates.size(); e++) {
            requireShapes(e, gates.getFirst(), gates.get(e), ups.get(e), downs.get(e));
            MemorySegment struct = gatun_expert.asSlice(structs, e);
            gatun_expert.gate(struct, gates.get(e).struct());
            gatun_expert.up(struct, ups.get(e).struct());
            gatun_expert.down(struct, downs.get(e).struct());
        }
        List<CpuMatrix> all = Stream.of(gates, ups, downs).flatMap(List::stream).toList();
        return new CpuExperts(structs, gates.getFirst(), all);
    }

    private static void requireShapes(int expert, CpuMatrix first, CpuMatrix gate, CpuMatrix up, CpuMatrix down) {
        boolean fits = gate.hasShapeOf(first)
                && up.hasShapeOf(first)
                && down.rows() == first.columns()
                && down.columns() == first.rows();
        if (!fits) {
            throw new IllegalArgumentException("expert " + expert + " must have a gate and an up of " + first.rows()
                    + " x "
                    + first.columns() + " and a down of the transposed shape: gate is a " + gate + ", up a " + up
                    + ", down a " + down);
        }
    }

    /** Experts. */
    public int count() {
        return count;
    }

    /** Values of a token's input and output. */
    public int hidden() {
        return hidden;
    }

    /** Values between gate and down. */
    public int intermediate() {
        return intermediate;
    }

    MemorySegment structs() {
        return structs;
    }

    Liveness liveness() {
        return liveness;
    }
}
