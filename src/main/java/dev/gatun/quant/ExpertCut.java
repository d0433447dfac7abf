package dev.gatun.quant;

import java.util.stream.IntStream;

/**
 * An expert cut into equal parts, of which the leading ones are packed into a block that kernels read as an expert of fewer
 * intermediate values. A part is some slices: slice s is row s of groups of w1 and of w3, and makes the intermediate values s,
 * s + G, ..., s + 15 G, where G is the number of such rows. In the packed block value s + i G' stands where value s + i G was.
 * Of w2 a part has the tiles of the columns that these values feed, one run of each row of tiles: an expert whose w2 does not
 * lie by slices is not cut.
 *
 * <p>Packing takes a few copies, of which that of w2's tiles goes row by row: nothing is computed.
 *
 * @param block the whole expert
 * @param parts how many there are; 1 if the expert cannot be cut
 */
public record ExpertCut(ExpertBlock block, int parts) {
    /** Finer parts would not make two roads end closer together, as well as one knows what they take. */
    private static final int MOST_PARTS = 64;

    /** Into as many parts as make sense. */
    public static ExpertCut of(ExpertBlock block) {
        int slices = block.gate().groupRows();
        int parts = IntStream.rangeClosed(1, MOST_PARTS)
                .filter(count -> slices % count == 0 && canBePart(block, slices / count))
                .max()
                .orElse(1);
        return new ExpertCut(block, parts);
    }

    /**
     * The tiles of a part must be whole. And a kernel takes rows of groups by their place in the period, so there must be one
     * for each.
     */
    private static boolean canBePart(ExpertBlock block, int slices) {
        ColumnOrder order = block.down().order();
        return order != ColumnOrder.NATURAL
                && slices % order.slicesOfTiles() == 0
                && slices >= block.gate().period();
    }

    /** Hears which bytes of a block go where in the packed one. */
    public interface Packing {
        /** So many bytes, together in both. */
        void bytes(long from, long to, long count);

        /** Rows of so many bytes, each a pitch behind the one before. */
        void rows(long from, long fromPitch, long to, long toPitch, long rowBytes, long count);
    }

    /** Slices of a part. */
    public int slices() {
        return block.gate().groupRows() / parts;
    }

    /** Intermediate values of the leading {@code count} parts. */
    public int values(int count) {
        return block.gate().rows() / parts * count;
    }

    /** Second-level pairs of w2 where it is packed; 0 for {@link TileFormat#Q2N}. */
    public int downPairs(int count) {
        return block.down().pairs() / parts * count;
    }

    /** Packs the leading parts. */
    public void pack(int count, Packing packing) {
        if (count < 1 || count >= parts) {
            throw new IllegalArgumentException(count + " parts of an expert that is cut into " + parts);
        }
        long gateBytes = packGateAndUp(count, packing);
        packDown(2 * gateBytes, count, packing);
    }

    /** Both in the same copies, since each copy takes some time besides; returns the bytes of one packed matrix. */
    private long packGateAndUp(int count, Packing packing) {
        TileShape gate = block.gate();
        long tiles = gate.tilesOffset() + (long) slices() * count * gate.tileColumns() * gate.tileBytes();
        long second = gate.format() == TileFormat.Q2N ? gate.secondBytes() / parts * count : gate.secondBytes();
        long packed = TileShape.padded(tiles + second, TileShape.MATRIX_ALIGNMENT);
        packing.rows(block.gateOffset(), gate.bytes(), 0, packed, tiles, 2);
        packing.rows(block.gateOffset() + gate.secondOffset(), gate.bytes(), tiles, packed, second, 2);
        return packed;
    }

    private void packDown(long to, int count, Packing packing) {
        TileShape down = block.down();
        long from = block.downOffset();
        if (down.tilesOffset() > 0) {
            packing.bytes(from, to, down.tilesOffset());
        }
        long tiles = down.secondOffset() - down.tilesOffset();
        packRuns(from + down.tilesOffset(), to + down.tilesOffset(), tiles, down.groupRows(), count, packing);
        long second = to + down.tilesOffset() + tiles / parts * count;
        if (down.isInSixteens()) {
            packEntries(from + down.secondOffset(), second, count, packing);
        } else {
            packRuns(from + down.secondOffset(), second, down.secondBytes(), down.period(), count, packing);
        }
    }

    /** Entries of the second level go with 128 slices, of which the last part may have fewer. */
    private void packEntries(long from, long to, int count, Packing packing) {
        TileShape down = block.down();
        TileShape packed = new TileShape(down.format(), down.rows(), values(count), 0, down.order());
        long run = packed.secondBytes() / packed.groupRows();
        packing.rows(from, down.secondBytes() / down.groupRows(), to, run, run, down.groupRows());
    }

    /** The leading parts of each of some runs that lie behind each other. */
    private void packRuns(long from, long to, long bytes, int runs, int count, Packing packing) {
        long run = bytes / runs;
        packing.rows(from, run, to, run / parts * count, run / parts * count, runs);
    }
}
