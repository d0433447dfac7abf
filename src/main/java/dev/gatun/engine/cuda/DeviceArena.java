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
final class DeviceArena implements DevicePieces, AutoCloseable {
    private static final long ALIGNMENT = 256;

    /** From this part of a chunk on, memory is taken from the device alone. */
    private static final int SMALLEST_OWN = 2;

    private final CudaDevice device;
    private final long chunkBytes;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final List<Chunk> chunks = new ArrayList<>();

    DeviceArena(CudaDevice device, long chunkBytes) {
        this.device = device;
        this.chunkBytes = chunkBytes;
    }

    @Override
    public DeviceMemory allocate(long bytes) {
        if (bytes >= chunkBytes / SMALLEST_OWN) {
            return own(bytes);
        }
        return chunkFor(bytes).take(bytes);
    }

    /** The first with room, so that small pieces fill what larger ones left. */
    private Chunk chunkFor(long bytes) {
        for (Chunk chunk : chunks) {
            if (chunk.used + bytes <= chunk.memory.byteSize()) {
                return chunk;
            }
        }
        chunks.add(new Chunk(own(chunkBytes)));
        return chunks.getLast();
    }

    private static final class Chunk {
        private final DeviceBuffer memory;
        private long used;

        Chunk(DeviceBuffer memory) {
            this.memory = memory;
        }

        DeviceMemory take(long bytes) {
            DeviceMemory slice = memory.slice(used, bytes);
            used = Math.ceilDiv(used + bytes, ALIGNMENT) * ALIGNMENT;
            return slice;
        }
    }

    private DeviceBuffer own(long bytes) {
        buffers.add(DeviceBuffer.allocate(device, bytes));
        return buffers.getLast();
    }

    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
        buffers.clear();
        chunks.clear();
    }
}
