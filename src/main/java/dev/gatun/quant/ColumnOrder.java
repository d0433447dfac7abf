package dev.gatun.quant;

/** In which order the columns of a matrix lie in its tiles. */
public enum ColumnOrder {
    /** That of the matrix. */
    NATURAL,
    /**
     * That of w2 of an expert in {@link TileFormat#Q2}: with G = columns / 16, the columns s, s + G, ..., s + 15 G, whose inputs
     * one row of groups of w1 and of w3 makes, lie together, so that a tile belongs to eight of these rows. Scale and zero
     * codes and the second-level pairs go with their columns.
     */
    SLICES;

    /** Columns that lie together in the order of slices: the rows of a group of w1. */
    static final int TOGETHER = 16;

    /** The order in w2 of an expert. */
    public static ColumnOrder ofDown(TileFormat format) {
        return format == TileFormat.Q2 ? SLICES : NATURAL;
    }

    /** Where one of {@code columns} columns lies. */
    int placeOf(int column, int columns) {
        int slices = columns / TOGETHER;
        return this == NATURAL ? column : column % slices * TOGETHER + column / slices;
    }
}
