package dev.gatun.engine.cpu;

import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuTiler;
import dev.gatun.natives.NativeLibraryException;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqTiler;
import dev.gatun.quant.JavaTiler;
import dev.gatun.quant.MatrixTiler;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Tiles 2-bit matrices with 8-bit scales in the CPU library, about as fast as memory is copied; all others in Java. */
public final class NativeTiler implements MatrixTiler {
    private final CpuTiler tiler;
    private final JavaTiler java = new JavaTiler();

    /**
     * A tiler with the instructions of a level.
     *
     * @throws NativeLibraryException if the CPU library cannot be loaded
     */
    public NativeTiler(CpuLevel level) {
        this.tiler = new CpuTiler(level);
    }

    /** The tiler of {@link CpuLevel#chosen}, or the one in Java where the CPU library or that level cannot be had. */
    public static MatrixTiler orJava() {
        try {
            return new NativeTiler(CpuLevel.chosen());
        } catch (NativeLibraryException | CpuException none) {
            return new JavaTiler();
        }
    }

    /**
     * {@inheritDoc}
     *
     * @param source if it is of 2 bits with 8-bit scales, its segments lie outside the heap
     */
    @Override
    public void tile(QuantizedMatrix source, TileShape shape, MemorySegment target) {
        if (source instanceof HqqMatrix hqq && shape.format() == TileFormat.Q2) {
            tile(hqq, shape, target);
        } else {
            java.tile(source, shape, target);
        }
    }

    private void tile(HqqMatrix source, TileShape shape, MemorySegment target) {
        HqqTiler.requireFit(source, shape, target);
        try (Arena arena = Arena.ofConfined()) {
            tiler.tile(CpuWeights.hqq(arena, source), TiledShapes.orderOf(shape), target);
        }
    }
}
