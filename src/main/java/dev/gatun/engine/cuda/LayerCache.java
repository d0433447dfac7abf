package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
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
        DeviceMemory devicePosition) {}
