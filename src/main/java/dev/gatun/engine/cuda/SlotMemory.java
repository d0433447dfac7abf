package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;

/**
 * Slots for experts' blocks, one behind the other in one piece of device memory.
 *
 * @param memory slots &middot; blockBytes bytes
 * @param blockBytes bytes of a slot
 */
record SlotMemory(DeviceMemory memory, long blockBytes) {
    /** One slot. */
    DeviceMemory slot(int index) {
        return memory.slice(index * blockBytes, blockBytes);
    }
}
