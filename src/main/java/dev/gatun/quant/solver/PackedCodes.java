package dev.gatun.quant.solver;

import dev.gatun.quant.CodePlane;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The packed codes of a matrix that is being made. All fields of a byte are of one group, so threads may store the groups of
 * different tasks at once.
 */
final class PackedCodes {
    private final Grid grid;
    private final List<CodePlane> planes;
    private final MemorySegment packed;

    PackedCodes(Target target, Grid grid) {
        this.grid = grid;
        this.planes = target.scheme().planes();
        this.packed = target.arena().allocate(weights() * target.scheme().bits() / 8);
    }

    private long weights() {
        return (long) grid.rows() * grid.columns();
    }

    /**
     * Stores the codes of a group.
     *
     * @param codes [groupSize][LANES], of which the group is one lane
     */
    void store(int groupRow, int column, float[][] codes, int lane) {
        for (CodePlane plane : planes) {
            store(plane, groupRow, column, codes, lane);
        }
    }

    private void store(CodePlane plane, int groupRow, int column, float[][] codes, int lane) {
        int fields = plane.fields();
        int byteRows = grid.groupSize() / fields;
        long begin = plane.offset(weights());
        for (int row = 0; row < byteRows; row++) {
            int value = 0;
            for (int field = 0; field < fields; field++) {
                value = value << plane.bits() | plane.part((int) codes[field * byteRows + row][lane]);
            }
            long at = ((long) row * grid.groupRows() + groupRow) * grid.columns() + column;
            packed.set(ValueLayout.JAVA_BYTE, begin + at, (byte) value);
        }
    }

    MemorySegment segment() {
        return packed;
    }
}
