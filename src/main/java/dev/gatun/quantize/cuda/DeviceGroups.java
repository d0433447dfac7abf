package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import dev.gatun.engine.cuda.FloatTypes;
import dev.gatun.quant.FloatType;

/**
 * The groups of a matrix on the device, and what a solver finds for each.
 *
 * @param weights the matrix as it is stored
 * @param type of its weights
 * @param groupRows rows of groups
 * @param columns inputs
 * @param groupSize rows of a group
 * @param bits of a code that are used
 * @param scales float32, one for each group
 * @param zeros float32, one for each group
 */
record DeviceGroups(
        DeviceMemory weights,
        FloatType type,
        int groupRows,
        int columns,
        int groupSize,
        int bits,
        DeviceMemory scales,
        DeviceMemory zeros) {
    /** Threads of a block: {@code QUANTIZE_THREADS} in {@code kernels/quantize.cuh}. */
    static final int BLOCK = 128;

    int count() {
        return Math.multiplyExact(groupRows, columns);
    }

    /** Sets the six arguments with which all kernels that see weights begin. */
    KernelArguments describe(KernelArguments arguments) {
        return arguments
                .set(0, weights)
                .set(1, FloatTypes.code(type))
                .set(2, groupRows)
                .set(3, columns)
                .set(4, groupSize)
                .set(5, bits);
    }

    /** Launches with one thread for each group. */
    void launch(KernelArguments arguments, CudaStream stream) {
        arguments.kernel().launch(LaunchShape.covering(count(), BLOCK), arguments, stream);
    }
}
