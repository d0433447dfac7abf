package dev.gatun.quant;

/**
 * An expert cut into equal parts, of which the leading ones are packed into a block that kernels read as an expert of fewer
 * intermediate values. A part is 128 rows of groups of w1 and of w3, and of w2 the tiles of the columns that these rows feed:
 * row of groups s makes the intermediate values s, s + G, ..., s + 15 G, where G is the number of such rows; so a part has one
 * tile in each of 16 runs of w2's tiles. In the packed block the runs are as much shorter as G is smaller, and value s + i G'
 * stands where value s + i G was.
 *
 * <p>Packing takes a few copies, of which that of w2's tiles goes row by row: nothing is computed.
 *
 * @param block the whole expert
 * @param parts how many there are; 1 if the expert cannot be cut
 */
public record ExpertCut(ExpertBlock block, int parts) {
    /** Rows of groups of a part: as many as w2's tiles have columns. */
    public static final int SLICES = TileShape.TILE_COLUMNS;

    /** Runs of columns of w2: the rows of a group of w1. */
    private static final int RUNS = 16;

    /** Intermediate values of a part. */
    private static final int VALUES = SLICES * RUNS;

    /** Into as many parts as it can be cut. */
    public static ExpertCut of(ExpertBlock block) {
        return new ExpertCut(block, canBeCut(block) ? block.gate().rows() / VALUES : 1);
    }

    /** The tiles of a part must be whole; and of the second level, what belongs to its columns must lie together. */
    private static boolean canBeCut(ExpertBlock block) {
        if (block.gate().format() == TileFormat.Q4 || block.gate().rows() % VALUES != 0) {
            return false;
        }
        // A kernel takes rows of groups by their place in the period; there must be one for each.
        boolean longEnough = block.gate().period() <= SLICES;
        boolean together = block.down().format() == TileFormat.Q2N
                || block.down().pairs() % block.down().columns() == 0;
        return longEnough && together;
    }

    /** Hears which bytes of a block go where in the packed one. */
    public interface Packing {
        /** So many bytes, together in both. */
        void bytes(long from, long to, long count);

        /** Rows of so many bytes, each a pitch behind the one before. */
        void rows(long from, long fromPitch, long to, long toPitch, long rowBytes, long count);
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
        long tiles = gate.tilesOffset() + (long) SLICES * count * gate.tileColumns() * gate.tileBytes();
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
        long tileRuns = (long) down.groupRows() * RUNS;
        packing.rows(
                from + down.tilesOffset(),
                (long) parts * down.tileBytes(),
                to + down.tilesOffset(),
                (long) count * down.tileBytes(),
                (long) count * down.tileBytes(),
                tileRuns);
        long secondRuns = down.format() == TileFormat.Q2N ? tileRuns : (long) down.period() * RUNS;
        long run = down.secondBytes() / secondRuns;
        packing.rows(
                from + down.secondOffset(),
                run,
                to + down.tilesOffset() + tileRuns * count * down.tileBytes(),
                run / parts * count,
                run / parts * count,
                secondRuns);
    }
}
