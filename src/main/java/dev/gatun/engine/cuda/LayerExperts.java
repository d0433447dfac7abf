package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.ExpertBlock;

/** The experts of one layer, as kernels find them. */
sealed interface LayerExperts {
    /**
     * Blocks of 2-bit tiles, all resident.
     *
     * @param table a pointer to each expert's block, null where it is not resident
     */
    record Tiled(ExpertBlock block, DeviceMemory table) implements LayerExperts {}

    /**
     * Blocks of 2-bit tiles of which not all are resident: {@link OffloadedExperts} knows where they are.
     *
     * @param block the shape of each
     */
    record Offloaded(ExpertBlock block) implements LayerExperts {}

    /**
     * Matrices in any format.
     *
     * @param table {@link AnyMatrixLayout descriptions} of w1, w3 and w2 of each expert
     */
    record Untiled(int hidden, int intermediate, DeviceMemory table) implements LayerExperts {}
}
