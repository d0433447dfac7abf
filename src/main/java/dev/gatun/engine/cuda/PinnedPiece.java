package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.cuda.Rows;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Page-locked memory: copies are enqueued, and run at the link's speed. */
record PinnedPiece(PinnedBuffer buffer) implements HostPiece {
    @Override
    public MemorySegment segment() {
        return buffer.segment();
    }

    @Override
    public Optional<PinnedBuffer> mapped() {
        return Optional.of(buffer);
    }

    @Override
    public void upload(long start, DeviceMemory slot, long offset, long bytes, CudaStream stream) {
        slot.copyFrom(offset, buffer, start, bytes, stream);
    }

    @Override
    public void uploadRows(Rows from, DeviceMemory slot, Rows to, long rowBytes, long count, CudaStream stream) {
        slot.copyRowsFrom(to, buffer, from, rowBytes, count, stream);
    }

    @Override
    public void download(DeviceMemory slot, long start, long bytes, CudaStream stream) {
        slot.copyTo(0, buffer, start, bytes, stream);
    }

    @Override
    public void close() {
        buffer.close();
    }
}
