package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.TileShape;

/** A weight matrix [rows (outputs), columns (inputs)] in device memory. */
sealed interface DeviceMatrix {
    int rows();

    int columns();

    /** As it lies in the checkpoint. */
    sealed interface Untiled extends DeviceMatrix {}

    /**
     * Unquantized, row-major.
     *
     * @param exponent as {@link DenseExponent} gives it
     */
    record Dense(FloatType type, int rows, int columns, int exponent, DeviceMemory values) implements Untiled {}

    /** Quantized by a scheme that has no tiles; the components mean what they mean in {@link dev.gatun.quant.HqqMatrix}. */
    record Hqq(
            HqqScheme scheme,
            int rows,
            int columns,
            DeviceMemory codes,
            DeviceMemory scaleCodes,
            DeviceMemory scaleScales,
            DeviceMemory scaleZeros,
            DeviceMemory zeroCodes,
            float zeroScale,
            float zeroZero)
            implements Untiled {}

    /** With 4-bit scales, outside of tiles; the components mean what they mean in {@link dev.gatun.quant.NarrowMatrix}. */
    record Narrow(
            NarrowScheme scheme, int rows, int columns, DeviceMemory codes, DeviceMemory metas, DeviceMemory pairs)
            implements Untiled {}

    /** Quantized, in the 4-bit tiles of {@code kernels/layout.cuh}. */
    record Tiled(TileShape shape, DeviceMemory tiles) implements DeviceMatrix {
        @Override
        public int rows() {
            return shape.rows();
        }

        @Override
        public int columns() {
            return shape.columns();
        }
    }
}
