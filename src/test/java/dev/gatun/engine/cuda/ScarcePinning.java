package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.cuda.Rows;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A system that locks so many bytes and no more; the memory is ordinary. Notes what happens. */
final class ScarcePinning implements PieceAllocator {
    private long left;
    final List<String> copies = new ArrayList<>();
    final List<Long> granted = new ArrayList<>();
    int open;
    boolean closingFails;

    ScarcePinning(long bytes) {
        this.left = bytes;
    }

    @Override
    public Optional<HostPiece> pinned(long bytes) {
        if (bytes > left) {
            return Optional.empty();
        }
        left -= bytes;
        granted.add(bytes);
        open++;
        return Optional.of(new Piece(granted.size() - 1, PageablePiece.allocate(bytes, PinnedStore.ALIGNMENT)));
    }

    private final class Piece implements HostPiece {
        private final int number;
        private final PageablePiece memory;

        Piece(int number, PageablePiece memory) {
            this.number = number;
            this.memory = memory;
        }

        @Override
        public MemorySegment segment() {
            return memory.segment();
        }

        @Override
        public Optional<PinnedBuffer> mapped() {
            return Optional.empty();
        }

        @Override
        public void upload(long start, DeviceMemory slot, long offset, long bytes, CudaStream stream) {
            copies.add("piece %d from %d: %d bytes to %d".formatted(number, start, bytes, offset));
        }

        @Override
        public void uploadRows(Rows from, DeviceMemory slot, Rows to, long rowBytes, long count, CudaStream stream) {
            copies.add("piece %d from %d: %d rows of %d bytes to %d"
                    .formatted(number, from.offset(), count, rowBytes, to.offset()));
        }

        @Override
        public void download(DeviceMemory slot, long start, long bytes, CudaStream stream) {
            copies.add("piece %d at %d: %d bytes".formatted(number, start, bytes));
        }

        @Override
        public void close() {
            open--;
            memory.close();
            if (closingFails) {
                throw new IllegalStateException("piece " + number);
            }
        }
    }
}
