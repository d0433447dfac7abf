package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.DeviceMemory;
import java.util.ArrayList;
import java.util.List;

/**
 * Device memory that lives and dies together. Small pieces share chunks, since each allocation of its own would waste
 * up to 2 MiB. Pieces are aligned to 256 bytes.
 */
final class DeviceArena implements AutoCloseable {
    private static final long ALIGNMENT = 256;

    /** From this part of a chunk on, memory is taken from the device alone: what is left of a chunk would be lost. */
    private static final int SMALLEST_OWN = 16;

    private final CudaDevice device;
    private final long chunkBytes;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private DeviceBuffer chunk;
    private long used;

    DeviceArena(CudaDevice device, long chunkBytes) {
        this.device = device;
        this.chunkBytes = chunkBytes;
    }

    /** Memory for so many bytes, at least one; its content is undefined. */
    DeviceMemory allocate(long bytes) {
        if (bytes >= chunkBytes / SMALLEST_OWN) {
            return own(bytes);
        }
        if (chunk == null || used + bytes > chunk.byteSize()) {
            chunk = own(chunkBytes);
            used = 0;
        }
        DeviceMemory slice = chunk.slice(used, bytes);
        used = Math.ceilDiv(used + bytes, ALIGNMENT) * ALIGNMENT;
        return slice;
    }

    private DeviceBuffer own(long bytes) {
        buffers.add(DeviceBuffer.allocate(device, bytes));
        return buffers.getLast();
    }

    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
        buffers.clear();
        chunk = null;
    }
}
