package dev.gatun.quant;

/** The formats that the CUDA kernels read, as kernels/layout.cuh describes them. */
public enum TileFormat {
    /** 2-bit codes in groups of 16 rows, 8-bit scales and zeros with a second level: the published experts. */
    Q2(16, 768, 256),
    /** 2-bit codes in groups of 16 rows, a 4-bit scale and a 4-bit zero in one byte, a second level for each tile or value. */
    Q2N(16, 640, 0),
    /** 4-bit codes in groups of 64 rows, 8-bit scales and zeros with a second level: the published attention. */
    Q4(64, 4352, 256);

    private final int groupSize;
    private final int tileBytes;
    private final int headerBytes;

    TileFormat(int groupSize, int tileBytes, int headerBytes) {
        this.groupSize = groupSize;
        this.tileBytes = tileBytes;
        this.headerBytes = headerBytes;
    }

    /** Rows of a group, which share a scale and a zero. */
    public int groupSize() {
        return groupSize;
    }

    /** Bytes of a tile: one group row by 128 columns. */
    public int tileBytes() {
        return tileBytes;
    }

    /** Bytes before the first tile. */
    int headerBytes() {
        return headerBytes;
    }

    /** Bytes of a tile's codes, which come first in it. */
    int codeBytes() {
        return this == Q4 ? 4096 : 512;
    }
}
