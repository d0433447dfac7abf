package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.DeviceMemory;
import java.util.ArrayList;
import java.util.List;

/**
 * Device memory that lives and dies together. It is taken in large chunks, since each allocation of its own would waste up
 * to 2 MiB. Slices are aligned to 256 bytes.
 */
final class DeviceArena implements AutoCloseable {
    private static final long ALIGNMENT = 256;

    private final CudaDevice device;
    private final long chunkBytes;
    private final List<DeviceBuffer> chunks = new ArrayList<>();
    private long used;

    DeviceArena(CudaDevice device, long chunkBytes) {
        this.device = device;
        this.chunkBytes = chunkBytes;
    }

    /** Memory for so many bytes, at least one; its content is undefined. */
    DeviceMemory allocate(long bytes) {
        if (chunks.isEmpty() || used + bytes > chunks.getLast().byteSize()) {
            chunks.add(DeviceBuffer.allocate(device, Math.max(chunkBytes, bytes)));
            used = 0;
        }
        DeviceMemory slice = chunks.getLast().slice(used, bytes);
        used = Math.ceilDiv(used + bytes, ALIGNMENT) * ALIGNMENT;
        return slice;
    }

    /** Bytes taken from the device. */
    long bytes() {
        return chunks.stream().mapToLong(DeviceBuffer::byteSize).sum();
    }

    @Override
    public void close() {
        chunks.forEach(DeviceBuffer::close);
        chunks.clear();
    }
}
