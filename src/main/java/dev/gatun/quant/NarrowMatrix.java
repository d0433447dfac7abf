package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A matrix in Gatun's own scheme: scales and zeros of 4 bits, with a second level for every 128 columns of a group row.
 *
 * <p>With G = rows / groupSize and T = ceil(columns / 128), weight (n, k) belongs to group s = (n mod G) &middot; columns + k
 * and to second-level entry e = (n mod G) &middot; T + k / 128. Where 128 divides the columns, e = s / 128. In float32,
 *
 * <pre>
 *   scale[s] = ((metas[s] &amp; 15) - pairs[e][1]) * pairs[e][0]
 *   zero[s]  = ((metas[s] &gt;&gt; 4) - pairs[e][3]) * pairs[e][2]
 *   W(n, k)  = (code - zero[s]) * scale[s]
 * </pre>
 *
 * <p>Segments may have any alignment.
 *
 * @param scheme bits and group size; must divide the shape
 * @param rows outputs N
 * @param columns inputs K
 * @param codes N &middot; K &middot; bits / 8 bytes, packed as {@link HqqScheme} says
 * @param metas a byte for each group
 * @param pairs four values in binary16 for each entry, [G][T][4]: the scale and the zero of scales, those of zeros
 */
public record NarrowMatrix(
        NarrowScheme scheme, int rows, int columns, MemorySegment codes, MemorySegment metas, MemorySegment pairs)
        implements QuantizedMatrix {
    /** Columns that share an entry of the second level. */
    public static final int PAIR_COLUMNS = 128;

    /** Bytes of an entry of the second level. */
    public static final int PAIR_BYTES = 4 * Short.BYTES;

    public NarrowMatrix {
        Shapes.requireDivided(scheme, rows, columns);
        long groupRows = rows / scheme.groupSize();
        Shapes.requireBytes("codes", codes, (long) rows * columns * scheme.bits() / 8);
        Shapes.requireBytes("metas", metas, groupRows * columns);
        Shapes.requireBytes("pairs", pairs, groupRows * pairColumns(columns) * PAIR_BYTES);
    }

    /** Entries of the second level for one group row. */
    public static int pairColumns(int columns) {
        return (columns - 1) / PAIR_COLUMNS + 1;
    }

    @Override
    public NarrowMatrix computable(Arena arena) {
        if (scheme.bits() != WideCodes.FROM_BITS) {
            return this;
        }
        NarrowScheme wide = new NarrowScheme(WideCodes.TO_BITS, scheme.groupSize());
        return new NarrowMatrix(wide, rows, columns, WideCodes.of(codes, arena), metas, pairs);
    }

    @Override
    public long bytes() {
        return codes.byteSize() + metas.byteSize() + pairs.byteSize();
    }
}
