package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.ExpertBlock;

/** The experts of one layer, as kernels find them: through a table in device memory. */
sealed interface LayerExperts {
    /** A pointer for each expert, or null where it is not resident. */
    DeviceMemory table();

    /** Blocks of 2-bit tiles. */
    record Tiled(ExpertBlock block, DeviceMemory table) implements LayerExperts {}
}
