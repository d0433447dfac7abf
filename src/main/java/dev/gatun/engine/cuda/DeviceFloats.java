package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;

/** A row-major float32 matrix in device memory; what it is a part of owns the memory. */
record DeviceFloats(DeviceMemory memory, int rows, int columns) {
    static DeviceFloats allocate(DevicePieces memory, int rows, int columns) {
        return new DeviceFloats(memory.allocate((long) rows * columns * Float.BYTES), rows, columns);
    }

    /** Some of the rows. */
    DeviceFloats rows(int first, int count) {
        long rowBytes = (long) columns * Float.BYTES;
        return new DeviceFloats(memory.slice(first * rowBytes, count * rowBytes), count, columns);
    }
}
