package dev.gatun.engine.cpu;

import dev.gatun.cpu.CpuColumnOrder;
import dev.gatun.cpu.CpuTileFormat;
import dev.gatun.cpu.TiledExpertShape;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;

/** The shapes of expert blocks as the CPU library takes them: one copy of the weights serves both roads. */
public final class TiledShapes {
    private TiledShapes() {}

    /**
     * The shape of experts in such blocks, each at an address that is a multiple of {@link TiledExpertShape#ALIGNMENT}.
     *
     * @throws IllegalArgumentException if the tiles are not of 2 bits
     */
    public static TiledExpertShape of(ExpertBlock block) {
        return new TiledExpertShape(
                formatOf(block.gate().format()),
                block.gate().columns(),
                block.gate().rows(),
                block.gate().pairs(),
                block.down().pairs(),
                orderOf(block.down()));
    }

    /** The order of a matrix's columns. */
    static CpuColumnOrder orderOf(TileShape shape) {
        return switch (shape.order()) {
            case NATURAL -> CpuColumnOrder.NATURAL;
            case SLICES -> CpuColumnOrder.SLICES;
            case SIXTEENS -> CpuColumnOrder.SIXTEENS;
        };
    }

    private static CpuTileFormat formatOf(TileFormat format) {
        return switch (format) {
            case Q2 -> CpuTileFormat.Q2;
            case Q2N -> CpuTileFormat.Q2N;
            case Q4 -> throw new IllegalArgumentException("the CPU computes experts of 2-bit tiles: " + format);
        };
    }
}
