package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;

/** Formats of 2-bit tiles of one group row by 128 columns, as kernels/layout.cuh describes them. */
public enum CpuTileFormat {
    /** 8-bit scales and zeros with a second level for the whole matrix. */
    Q2(CpuLibrary.GATUN_Q2(), 256, 768),
    /** A 4-bit scale and a 4-bit zero in one byte, with a second level for each tile, or for 16 tiles together. */
    Q2N(CpuLibrary.GATUN_Q2N(), 0, 640);

    private static final int ROWS = 16;
    private static final int COLUMNS = 128;
    private static final int PAIR_BYTES = 4;
    private static final int ENTRY_BYTES = 8;

    /** In the order of sixteens, so many tiles of a row have as many entries of the second level together. */
    private static final int SIXTEEN = 16;

    private static final int ALIGNMENT = 256;

    private final int code;
    private final int headerBytes;
    private final int tileBytes;

    CpuTileFormat(int code, int headerBytes, int tileBytes) {
        this.code = code;
        this.headerBytes = headerBytes;
        this.tileBytes = tileBytes;
    }

    int code() {
        return code;
    }

    /** Bytes of a matrix. */
    long bytes(int rows, int columns, long pairs, CpuColumnOrder order) {
        long groupRows = (long) rows / ROWS;
        int tiles = Math.ceilDiv(columns, COLUMNS);
        int entries = order == CpuColumnOrder.SIXTEENS ? Math.ceilDiv(tiles, SIXTEEN) * SIXTEEN : tiles;
        long secondBytes = this == Q2N ? groupRows * entries * ENTRY_BYTES : pairs * PAIR_BYTES;
        long bytes = headerBytes + groupRows * tiles * tileBytes + secondBytes;
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
