package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaException;
import dev.gatun.cuda.PinnedBuffer;
import java.util.Optional;

/** Where page-locked memory for experts and embeddings comes from. */
@FunctionalInterface
interface PieceAllocator {
    /**
     * Allocates page-locked memory at a multiple of {@value PinnedStore#ALIGNMENT}.
     *
     * @return the memory, or empty if the system locks no more
     * @throws OutOfMemoryError if the system has no such room, locked or not
     */
    Optional<HostPiece> pinned(long bytes);

    /**
     * Memory of the system on huge pages, locked for a device. Locking is serial in the driver, and touching the pages
     * beforehand, which takes longer, uses all processors: nothing is won by several calls at once.
     */
    static PieceAllocator of(CudaDevice device) {
        return bytes -> {
            try {
                return Optional.of(new PinnedPiece(PinnedBuffer.register(device, bytes)));
            } catch (CudaException refused) {
                if (refused.isOutOfLockableMemory()) {
                    return Optional.empty();
                }
                throw refused;
            }
        };
    }
}
