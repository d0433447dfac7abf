package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;

/** Keys and values in device memory: for each layer keys [kvHeads][capacity][headSize], then values likewise. */
final class CudaKvCache extends KvCache {
    private final KvPrecision precision;
    private final long partBytes;
    private final DeviceBuffer memory;

    CudaKvCache(CudaStream stream, MixtralConfig config, int capacity, KvPrecision precision) {
        super(capacity);
        this.precision = precision;
        this.partBytes = (long) config.kvHeads() * capacity * config.headSize() * precision.bytes();
        this.memory = DeviceBuffer.allocate(stream.device(), 2L * config.layers() * partBytes);
        // What a position holds before it is filled must be numbers: masked products multiply it by zero.
        try {
            memory.zero(stream);
        } catch (RuntimeException failure) {
            memory.close();
            throw failure;
        }
    }

    /** One layer, for a chunk that begins at {@link #length()}. */
    LayerCache layer(int layer, DeviceMemory devicePosition) {
        return new LayerCache(
                memory.slice(2L * layer * partBytes, partBytes),
                memory.slice((2L * layer + 1) * partBytes, partBytes),
                precision,
                capacity(),
                length(),
                devicePosition);
    }

    @Override
    public void close() {
        memory.close();
    }
}
