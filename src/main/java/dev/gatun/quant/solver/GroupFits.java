package dev.gatun.quant.solver;

/**
 * What a solver found for each group before there is a second level: w = (code - zero) &middot; scale. Threads write the
 * groups of different tasks at once.
 */
final class GroupFits {
    private final Grid grid;
    private final float[] scales;
    private final float[] zeros;

    GroupFits(Grid grid) {
        this.grid = grid;
        this.scales = new float[grid.groups()];
        this.zeros = new float[grid.groups()];
    }

    Grid grid() {
        return grid;
    }

    /** One for each group, positive. */
    float[] scales() {
        return scales;
    }

    /** One for each group. */
    float[] zeros() {
        return zeros;
    }

    /** Copies the groups of a block to the front of the arrays. */
    void read(int groupRow, int block, float[] blockScales, float[] blockZeros) {
        int group = grid.group(groupRow, block * Grid.LANES);
        System.arraycopy(scales, group, blockScales, 0, grid.width(block));
        System.arraycopy(zeros, group, blockZeros, 0, grid.width(block));
    }

    /** Stores the groups of a block from the front of the arrays. */
    void write(int groupRow, int block, float[] blockScales, float[] blockZeros) {
        int group = grid.group(groupRow, block * Grid.LANES);
        System.arraycopy(blockScales, 0, scales, group, grid.width(block));
        System.arraycopy(blockZeros, 0, zeros, group, grid.width(block));
    }
}
