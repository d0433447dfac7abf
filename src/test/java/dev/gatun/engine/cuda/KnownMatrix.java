package dev.gatun.engine.cuda;

import dev.gatun.cpu.CpuFloatType;
import dev.gatun.cpu.CpuMatrix;
import dev.gatun.cpu.Reference;
import dev.gatun.engine.cpu.DescribedMatrices;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqTiler;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileReader;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A matrix as both oracles know it.
 *
 * @param weights [rows &middot; columns] in double precision
 * @param library the same for the CPU library, which takes weights of a format that it has no code for as float32
 * @param rounding what the library rounds in a product with one token, relative to the 2-norm
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record KnownMatrix(int rows, int columns, double[] weights, CpuMatrix library, double rounding) {
    static KnownMatrix of(DenseMatrix matrix) {
        return new KnownMatrix(
                matrix.rows(),
                matrix.columns(),
                Dequantizer.toDoubles(matrix),
                DescribedMatrices.of(matrix),
                Reference.FLOATS);
    }

    static KnownMatrix of(HqqMatrix matrix) {
        return new KnownMatrix(
                matrix.rows(),
                matrix.columns(),
                Dequantizer.toDoubles(matrix),
                DescribedMatrices.of(matrix),
                matrix.scheme().bits() <= 4 ? Reference.WORDS : Reference.FLOATS);
    }

    static KnownMatrix of(NarrowMatrix matrix) {
        return new KnownMatrix(
                matrix.rows(),
                matrix.columns(),
                Dequantizer.toDoubles(matrix),
                DescribedMatrices.of(matrix),
                Reference.FLOATS);
    }

    /** Narrow tiles have no product of their own in the library, only whole experts: see {@link SampleExperts}. */
    static KnownMatrix of(TileShape shape, MemorySegment tiles) {
        double[] weights = new TileReader(shape, tiles).weights();
        return shape.format() == TileFormat.Q2N
                ? of(shape.rows(), shape.columns(), weights)
                : new KnownMatrix(shape.rows(), shape.columns(), weights, describe(shape, tiles), Reference.WORDS);
    }

    /** Tiles of a published scheme for the library. */
    static CpuMatrix describe(TileShape shape, MemorySegment tiles) {
        return DescribedMatrices.of(HqqTiler.untile(shape, tiles, Arena.ofAuto()));
    }

    static KnownMatrix of(int rows, int columns, double[] weights) {
        MemorySegment floats = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, weights.length);
        for (int i = 0; i < weights.length; i++) {
            floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) weights[i]);
        }
        CpuMatrix library = CpuMatrix.dense(Arena.ofAuto(), CpuFloatType.F32, rows, columns, floats);
        return new KnownMatrix(rows, columns, weights, library, Reference.FLOATS);
    }

    /** The product with each row of [tokens, columns], in double precision. */
    double[] times(double[] x) {
        return Reference.multiply(weights, rows, columns, x);
    }

    /** What a product's 2-norm usually is for an input of a 2-norm of 1. */
    double gain() {
        return Reference.norm(weights) / Math.sqrt(columns);
    }
}
