package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.DeviceMemory;

/** Device memory for one purpose, as much as the largest matrix so far needed. One thread at a time uses it. */
final class GrowingMemory implements AutoCloseable {
    private final CudaDevice device;
    private DeviceBuffer memory;

    GrowingMemory(CudaDevice device) {
        this.device = device;
    }

    /**
     * Room for so many bytes, at least one, whose content is undefined. What was given before must not be used any more.
     *
     * @throws dev.gatun.cuda.CudaException if so much is not free
     */
    DeviceMemory of(long bytes) {
        if (memory == null || memory.byteSize() < bytes) {
            close();
            memory = DeviceBuffer.allocate(device, bytes);
        }
        return memory.slice(0, bytes);
    }

    @Override
    public void close() {
        // Not to be closed again, should closing fail.
        DeviceBuffer closing = memory;
        memory = null;
        if (closing != null) {
            closing.close();
        }
    }
}
