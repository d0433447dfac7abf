package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;
import dev.gatun.bindings.cpu.gatun_matrix;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/**
 * Brings HQQ matrices of 2 bits in groups of 16 rows into tiles, {@link CpuTileFormat#Q2}, in the calling thread. It needs no
 * pool: any number of threads may tile at once.
 */
public final class CpuTiler {
    private static final int BITS = 2;
    private static final int GROUP = 16;

    private final CpuLevel level;

    /**
     * A tiler with the instructions of a level.
     *
     * @throws dev.gatun.natives.NativeLibraryException if the CPU library cannot be loaded
     */
    public CpuTiler(CpuLevel level) {
        LinkedLibrary.require();
        this.level = level;
    }

    /**
     * Writes a matrix as tiles, padding included.
     *
     * @param order of the columns in the tiles: in {@link CpuColumnOrder#SLICES} they are a multiple of 16, and second-level
     *     pairs are repeated to a multiple of the columns; there is no {@link CpuColumnOrder#SIXTEENS} of such tiles
     * @param tiles exactly the bytes of the matrix's tiles outside the heap, at any address, apart from the matrix
     * @throws IllegalArgumentException if the matrix has another layout, or the segment does not fit it
     * @throws CpuException if the machine lacks the level
     */
    public void tile(CpuMatrix matrix, CpuColumnOrder order, MemorySegment tiles) {
        Arguments.requireNative("tiles", tiles, bytes(matrix, order));
        Arguments.requireWritable("tiles", tiles);
        Liveness.require("tiles", tiles);
        matrix.liveness().require("a matrix");
        try {
            int code = CpuLibrary.gatun_tile(level.code(), matrix.struct(), order.code(), tiles, tiles.byteSize());
            CpuException.check(code, "tiles for " + level);
        } finally {
            Reference.reachabilityFence(matrix);
        }
    }

    /** Bytes of a matrix's tiles. */
    private static long bytes(CpuMatrix matrix, CpuColumnOrder order) {
        if (matrix.isDense()) {
            throw new IllegalArgumentException("tiles hold no " + matrix);
        }
        MemorySegment struct = matrix.struct();
        Arguments.requireEqual("the bits of a code", gatun_matrix.bits(struct), "those of a tile", BITS);
        Arguments.requireEqual("the rows of a group", gatun_matrix.group_size(struct), "those of a tile", GROUP);
        long groups = (long) matrix.rows() / GROUP * matrix.columns();
        long pairs = groups / gatun_matrix.scale_group(struct);
        return CpuTileFormat.Q2.bytes(matrix.rows(), matrix.columns(), pairs(pairs, matrix.columns(), order), order);
    }

    private static long pairs(long pairs, int columns, CpuColumnOrder order) {
        return switch (order) {
            case NATURAL -> pairs;
            case SLICES -> {
                Arguments.requireMultiple("the columns", columns, "the values of a slice", GROUP);
                yield TiledExpertShape.period(columns, pairs) * columns;
            }
            case SIXTEENS -> throw new IllegalArgumentException("tiles of " + CpuTileFormat.Q2 + " in order " + order);
        };
    }
}
