package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;

/** In which order the columns of a matrix lie in tiles, as kernels/layout.cuh describes them. */
public enum CpuColumnOrder {
    /** Their own. */
    NATURAL(CpuLibrary.GATUN_NATURAL()),
    /** That of w2 of an expert in {@link CpuTileFormat#Q2}: slice by slice. */
    SLICES(CpuLibrary.GATUN_SLICES()),
    /** That of w2 of an expert in {@link CpuTileFormat#Q2N}: value by value of sixteen slices. */
    SIXTEENS(CpuLibrary.GATUN_SIXTEENS());

    private final int code;

    CpuColumnOrder(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
