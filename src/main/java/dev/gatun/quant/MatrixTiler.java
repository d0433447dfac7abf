package dev.gatun.quant;

import java.lang.foreign.MemorySegment;

/**
 * Brings quantized matrices into the order in which the CUDA kernels read them. {@link JavaTiler} says which bytes those are;
 * others write the same. Any number of threads may tile different matrices at once.
 */
@FunctionalInterface
public interface MatrixTiler {
    /**
     * Writes a matrix in the kernels' order, padding included.
     *
     * @param shape the matrix's own, by {@link TileShape#of}
     * @param target exactly {@code shape.bytes()} bytes at a multiple of 16, apart from the matrix
     * @throws IllegalArgumentException if the shape is another matrix's, or the target does not fit it
     */
    void tile(QuantizedMatrix source, TileShape shape, MemorySegment target);
}
