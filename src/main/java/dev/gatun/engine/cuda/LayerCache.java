package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.engine.KvPrecision;

/**
 * The keys and values of one layer, and where a chunk's first token stands in them.
 *
 * @param keys [kvHeads][capacity][headSize]
 * @param values likewise
 * @param position the first token's place, as the host knows it
 * @param devicePosition the same as an int32 in device memory
 */
record LayerCache(
        DeviceMemory keys,
        DeviceMemory values,
        KvPrecision precision,
        int capacity,
        int position,
        DeviceMemory devicePosition) {
    /** Sets what all attention kernels begin with. */
    KernelArguments setArguments(KernelArguments kernel, DeviceFloats q, HeadShape shape) {
        return kernel.set(0, q.memory())
                .set(1, keys)
                .set(2, values)
                .set(3, (long) capacity)
                .set(4, shape.heads())
                .set(5, shape.kvHeads())
                .set(6, shape.headSize())
                .set(7, devicePosition);
    }
}
