package dev.gatun.quant.solver;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The packed codes of a matrix that is being made. All fields of a byte are of one group, so threads may store the groups of
 * different tasks at once.
 */
final class PackedCodes {
    private final Grid grid;
    private final int bits;
    private final int fields;
    private final MemorySegment packed;

    PackedCodes(Target target, Grid grid) {
        this.grid = grid;
        this.bits = target.scheme().bits();
        this.fields = target.scheme().codesPerByte();
        this.packed = target.arena().allocate((long) grid.rows() * grid.columns() / fields);
    }

    /**
     * Stores the codes of a group.
     *
     * @param codes [groupSize][LANES], of which the group is one lane
     */
    void store(int groupRow, int column, float[][] codes, int lane) {
        int byteRows = grid.groupSize() / fields;
        for (int row = 0; row < byteRows; row++) {
            int value = 0;
            for (int field = 0; field < fields; field++) {
                value = value << bits | (int) codes[field * byteRows + row][lane];
            }
            long at = ((long) row * grid.groupRows() + groupRow) * grid.columns() + column;
            packed.set(ValueLayout.JAVA_BYTE, at, (byte) value);
        }
    }

    MemorySegment segment() {
        return packed;
    }
}
