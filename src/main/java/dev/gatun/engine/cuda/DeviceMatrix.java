package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.TileShape;

/** A weight matrix [rows (outputs), columns (inputs)] in device memory. */
sealed interface DeviceMatrix {
    int rows();

    int columns();

    /** Unquantized, row-major. */
    record Dense(FloatType type, int rows, int columns, DeviceMemory values) implements DeviceMatrix {}

    /** Quantized, in the tiles of {@code kernels/layout.cuh}. */
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
