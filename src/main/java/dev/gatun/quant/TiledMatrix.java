package dev.gatun.quant;

import java.lang.foreign.MemorySegment;

/**
 * A quantized matrix that lies in tiles already, as kernels read them; there is nothing else of it.
 *
 * @param shape where its parts lie
 * @param tiles exactly {@code shape.bytes()} bytes
 */
public record TiledMatrix(TileShape shape, MemorySegment tiles) implements WeightMatrix {
    public TiledMatrix {
        Shapes.requireBytes("tiles", tiles, shape.bytes());
    }

    @Override
    public int rows() {
        return shape.rows();
    }

    @Override
    public int columns() {
        return shape.columns();
    }

    @Override
    public long bytes() {
        return tiles.byteSize();
    }

    /**
     * Whether kernels can hold its scales, zeros and weights in binary16, whatever its codes are; false as well if one of its
     * second level is NaN or infinite. Reads the second level.
     */
    public boolean isWithinLimits() {
        return TileLimits.hold(shape, tiles);
    }
}
