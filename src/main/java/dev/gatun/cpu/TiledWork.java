package dev.gatun.cpu;

import dev.gatun.bindings.cpu.gatun_tiled_item;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * Some slices of an expert for some tokens: y[t] += weights[t] &middot; (slices from to to &minus; 1 of the expert)(x[t]). Disjoint
 * ranges add up to the whole expert, to rounding.
 *
 * @param expert the expert, computed straight from its block
 * @param from the first slice
 * @param to the slice behind the last; with {@code from} nothing is added
 * @param x inputs [1 to 4 tokens, hidden]
 * @param weights tokens values in float32
 * @param y what the sums are added to, of the shape of x, apart from it
 */
public record TiledWork(TiledExpert expert, int from, int to, FloatMatrix x, MemorySegment weights, FloatMatrix y) {
    /** The most tokens: what the kernels have registers for. */
    public static final int MOST_TOKENS = 4;

    public TiledWork {
        Objects.checkFromToIndex(from, to, expert.shape().slices());
        Arguments.requireAtMost("the tokens", x.rows(), "the most of a tiled expert", MOST_TOKENS);
        Arguments.requireEqual(
                "the columns of x",
                x.columns(),
                "the hidden size",
                expert.shape().hidden());
        Arguments.requireEqual("the columns of y", y.columns(), "those of x", x.columns());
        Arguments.requireEqual("the rows of y", y.rows(), "those of x", x.rows());
        Arguments.requireDisjoint("x", x, "y", y);
        Arguments.requireWords("weights", weights, x.rows());
    }

    /** All slices of an expert. */
    public static TiledWork of(TiledExpert expert, FloatMatrix x, MemorySegment weights, FloatMatrix y) {
        return new TiledWork(expert, 0, expert.shape().slices(), x, weights, y);
    }

    /**
     * Throws unless all memory can be used now and the works can be done together: experts of one hidden size, no output that
     * is an input, and outputs that share elements only as the same rows.
     */
    static void requireUsable(List<TiledWork> works) {
        Arguments.requirePositive("the number of works", works.size());
        for (int i = 0; i < works.size(); i++) {
            works.get(i).requireUsable();
            for (int j = 0; j < works.size(); j++) {
                requireTogether(i, works.get(i), j, works.get(j));
            }
        }
    }

    private void requireUsable() {
        expert.requireUsable();
        x.requireReadable("x");
        y.requireWritable("y");
        Liveness.require("weights", weights);
    }

    private static void requireTogether(int i, TiledWork one, int j, TiledWork other) {
        if (one.x.columns() != other.x.columns()
                || one.y.overlaps(other.x)
                || (one.y.overlaps(other.y) && !one.y.isInTheRowsOf(other.y))) {
            throw new IllegalArgumentException(complaint(i, one, j, other));
        }
    }

    private static String complaint(int i, TiledWork one, int j, TiledWork other) {
        if (one.x.columns() != other.x.columns()) {
            return "works must have one hidden size: " + one.x.columns() + " of work " + i + ", " + other.x.columns()
                    + " of work " + j;
        }
        return one.y.overlaps(other.x)
                ? "y of work " + i + " and x of work " + j + " overlap"
                : "y of work " + i + " and y of work " + j + " overlap, but are not the same rows";
    }

    void writeTo(MemorySegment struct, CpuLevel level) {
        gatun_tiled_item.expert(struct, expert.struct());
        gatun_tiled_item.pairs(struct, expert.pairs(level));
        gatun_tiled_item.from(struct, from);
        gatun_tiled_item.to(struct, to);
        gatun_tiled_item.tokens(struct, x.rows());
        gatun_tiled_item.x(struct, x.segment());
        gatun_tiled_item.ldx(struct, x.ld());
        gatun_tiled_item.weights(struct, weights);
        gatun_tiled_item.y(struct, y.segment());
        gatun_tiled_item.ldy(struct, y.ld());
    }
}
