package dev.gatun.quant;

import java.lang.foreign.MemorySegment;

/**
 * An unquantized matrix, row-major without padding. A vector (a norm's weights) is a matrix of one row.
 *
 * @param type the type of each value
 * @param rows outputs, positive
 * @param columns inputs, positive
 * @param values exactly rows &middot; columns values, at any alignment
 */
public record DenseMatrix(FloatType type, int rows, int columns, MemorySegment values) implements WeightMatrix {
    public DenseMatrix {
        Shapes.requirePositive(rows, columns);
        Shapes.requireBytes("values", values, (long) rows * columns * type.bytes());
    }

    @Override
    public long bytes() {
        return values.byteSize();
    }
}
