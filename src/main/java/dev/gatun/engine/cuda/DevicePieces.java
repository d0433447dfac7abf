package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;

/** Where pieces of device memory come from. It owns them, or knows who does. */
sealed interface DevicePieces permits DeviceArena, OverlaidMemory {
    /** Memory for so many bytes, at least one, aligned to 256; its content is undefined. */
    DeviceMemory allocate(long bytes);
}
