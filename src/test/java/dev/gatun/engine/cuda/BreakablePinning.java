package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.cuda.Rows;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Page-locked memory, some of whose copies are refused when they are put in. */
final class BreakablePinning implements PieceAllocator {
    private final PieceAllocator system;
    private boolean isArmed;
    private int untilFailure;
    private int failures;

    /** One copy was refused. */
    static final class BrokenCopyException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BrokenCopyException() {
            super("a copy was refused");
        }
    }

    BreakablePinning(PieceAllocator system) {
        this.system = system;
    }

    /** Lets {@code good} copies pass, and refuses the {@code bad} ones that follow. */
    void breakAfter(int good, int bad) {
        isArmed = true;
        untilFailure = good;
        failures = bad;
    }

    /** Whether there were as many failures as were wanted. */
    boolean isMended() {
        return isArmed && failures == 0;
    }

    /** Every copy passes from now on. */
    void mend() {
        isArmed = false;
    }

    @Override
    public Optional<HostPiece> pinned(long bytes) {
        return system.pinned(bytes).map(Piece::new);
    }

    private void copying() {
        if (!isArmed || untilFailure-- > 0 || failures == 0) {
            return;
        }
        failures--;
        throw new BrokenCopyException();
    }

    private final class Piece implements HostPiece {
        private final HostPiece memory;

        Piece(HostPiece memory) {
            this.memory = memory;
        }

        @Override
        public MemorySegment segment() {
            return memory.segment();
        }

        @Override
        public Optional<PinnedBuffer> mapped() {
            return memory.mapped();
        }

        @Override
        public void upload(long start, DeviceMemory slot, long offset, long bytes, CudaStream stream) {
            copying();
            memory.upload(start, slot, offset, bytes, stream);
        }

        @Override
        public void uploadRows(Rows from, DeviceMemory slot, Rows to, long rowBytes, long count, CudaStream stream) {
            copying();
            memory.uploadRows(from, slot, to, rowBytes, count, stream);
        }

        @Override
        public void download(DeviceMemory slot, long start, long bytes, CudaStream stream) {
            copying();
            memory.download(slot, start, bytes, stream);
        }

        @Override
        public void close() {
            memory.close();
        }
    }
}
