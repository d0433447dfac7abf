package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.offload.KeyValueBudget;
import java.util.function.Consumer;

/** Keys and values in device memory: for each layer keys [kvHeads][capacity][headSize], then values likewise. */
final class CudaKvCache extends KvCache {
    private final KvPrecision precision;
    private final long partBytes;
    private final DeviceBuffer memory;
    private final KeyValueBudget.Share share;
    private final Consumer<? super KvCache> beforeClose;

    /**
     * Takes the memory.
     *
     * @param budget what all caches together may take
     * @param beforeClose lets go of what uses the memory, each time that it is to be freed
     * @throws dev.gatun.offload.PlanException if the budget has not enough left
     */
    CudaKvCache(
            CudaStream stream,
            MixtralConfig config,
            int capacity,
            KvPrecision precision,
            KeyValueBudget budget,
            Consumer<? super KvCache> beforeClose) {
        super(capacity);
        this.beforeClose = beforeClose;
        this.precision = precision;
        this.partBytes = (long) config.kvHeads() * capacity * config.headSize() * precision.bytes();
        long bytes = 2L * config.layers() * partBytes;
        this.share = budget.take(capacity, bytes);
        try {
            this.memory = zeros(stream, bytes);
        } catch (RuntimeException | Error failure) {
            share.close();
            throw failure;
        }
    }

    /** What a position holds before it is filled must be numbers: masked products multiply it by zero. */
    private static DeviceBuffer zeros(CudaStream stream, long bytes) {
        DeviceBuffer memory = DeviceBuffer.allocate(stream.device(), bytes);
        try {
            memory.zero(stream);
            return memory;
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
        try {
            beforeClose.accept(this);
        } finally {
            memory.close();
            share.close();
        }
    }
}
