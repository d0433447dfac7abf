package dev.gatun.quant.solver;

/**
 * How a matrix divides into groups: group (g, k) holds the rows g + i &middot; groupRows at column k. A task is one row of
 * groups, which is taken {@value #LANES} columns at a time.
 *
 * @param rows outputs N
 * @param columns inputs K
 * @param groupSize rows of a group, which divide N
 */
record Grid(int rows, int columns, int groupSize) {
    /** Groups that are solved side by side: enough for vectors, and few enough for a first-level cache. */
    static final int LANES = 128;

    int groupRows() {
        return rows / groupSize;
    }

    /** All groups. */
    int groups() {
        return Math.multiplyExact(groupRows(), columns);
    }

    /** Blocks of a row of groups. */
    int blocks() {
        return (columns - 1) / LANES + 1;
    }

    /** The columns of a block. */
    int width(int block) {
        return Math.min(LANES, columns - block * LANES);
    }

    /** The number of a group. */
    int group(int groupRow, int column) {
        return groupRow * columns + column;
    }
}
