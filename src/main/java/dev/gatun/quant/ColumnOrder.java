package dev.gatun.quant;

/**
 * In which order the columns of a matrix lie in its tiles. Those of w2 of an expert go by its slices: with G = columns / 16,
 * slice s is the columns s, s + G, ..., s + 15 G, whose inputs one row of groups of w1 and of w3 makes. Whatever belongs to a
 * column goes with it: scale and zero codes, and its pair or entry of the second level.
 */
public enum ColumnOrder {
    /** That of the matrix. */
    NATURAL,
    /** Of w2 in {@link TileFormat#Q2}: the columns of a slice lie together, so that a tile belongs to eight slices. */
    SLICES,
    /**
     * Of w2 in {@link TileFormat#Q2N}: the first columns of sixteen slices lie together, then their second ones, and so on, so
     * that a pair of tiles belongs to sixteen slices. The i-th columns of 128 slices, which share an entry of the second level,
     * have sixteen in each of eight tiles.
     */
    SIXTEENS;

    /** Columns of a slice: the rows of a group of w1. */
    static final int TOGETHER = 16;

    /** The order in w2 of an expert. Where entries of the second level are not those of whole slices it is the natural one. */
    public static ColumnOrder ofDown(TileFormat format, int columns) {
        return switch (format) {
            case Q2 -> columns % TOGETHER == 0 ? SLICES : NATURAL;
            case Q2N -> columns % (TOGETHER * NarrowMatrix.PAIR_COLUMNS) == 0 ? SIXTEENS : NATURAL;
            case Q4 -> NATURAL;
        };
    }

    /** Slices that tiles hold whole, where they hold whole slices. */
    int slicesOfTiles() {
        return switch (this) {
            case NATURAL -> 1;
            case SLICES -> TileShape.TILE_COLUMNS / TOGETHER;
            case SIXTEENS -> 2 * TileShape.TILE_COLUMNS / TOGETHER;
        };
    }

    /**
     * Where one of {@code columns} columns lies.
     *
     * @param column below {@code columns}, which are as many as a matrix in this order has
     */
    public int placeOf(int column, int columns) {
        int slices = columns / TOGETHER;
        return switch (this) {
            case NATURAL -> column;
            case SLICES -> column % slices * TOGETHER + column / slices;
            case SIXTEENS -> {
                int slice = column % slices;
                yield slice / 16 * (16 * TOGETHER) + column / slices * 16 + slice % 16;
            }
        };
    }
}
