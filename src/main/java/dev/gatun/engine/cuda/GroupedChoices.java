package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;

/**
 * A chunk's choices (token &middot; topK + rank) sorted by expert, in device memory; int32.
 *
 * @param offsets [experts + 1]: expert e has the sorted choices offsets[e] to offsets[e + 1] - 1
 * @param order [choices]: which choice stands there
 * @param place [choices]: where a choice stands, the inverse
 */
record GroupedChoices(DeviceMemory offsets, DeviceMemory order, DeviceMemory place) {
    /** The choices of experts first to first + count - 1 alone; order and place stay those of all. */
    GroupedChoices of(int first, int count) {
        DeviceMemory some = offsets.slice((long) first * Integer.BYTES, (count + 1L) * Integer.BYTES);
        return new GroupedChoices(some, order, place);
    }
}
