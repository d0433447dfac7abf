package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.cuda.Rows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Ordinary memory: the driver takes each copy through a buffer of its own, and the caller waits for it. */
record PageablePiece(Arena arena, MemorySegment segment) implements HostPiece {
    /**
     * Allocates it; all bytes are zero, and their pages are there.
     *
     * @param alignment what the address is a multiple of
     * @throws OutOfMemoryError if the system has no such room
     */
    @SuppressWarnings("MustBeClosedChecker") // closed below on failure, otherwise with the piece
    static PageablePiece allocate(long bytes, long alignment) {
        Arena arena = Arena.ofShared();
        try {
            return new PageablePiece(arena, arena.allocate(bytes, alignment));
        } catch (OutOfMemoryError noRoom) {
            arena.close();
            throw noRoom;
        }
    }

    @Override
    public Optional<PinnedBuffer> mapped() {
        return Optional.empty();
    }

    @Override
    public void upload(long start, DeviceMemory slot, long offset, long bytes, CudaStream stream) {
        slot.upload(offset, segment.asSlice(start, bytes), stream);
    }

    @Override
    public void uploadRows(Rows from, DeviceMemory slot, Rows to, long rowBytes, long count, CudaStream stream) {
        for (long row = 0; row < count; row++) {
            upload(from.offset() + row * from.pitch(), slot, to.offset() + row * to.pitch(), rowBytes, stream);
        }
    }

    @Override
    public void download(DeviceMemory slot, long start, long bytes, CudaStream stream) {
        slot.download(0, segment.asSlice(start, bytes), stream);
    }

    @Override
    public void close() {
        arena.close();
    }
}
