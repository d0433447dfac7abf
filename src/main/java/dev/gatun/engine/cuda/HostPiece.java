package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.cuda.Rows;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Host memory that a device copies from and to: part of a {@link PinnedStore}, or embeddings. Whoever makes it closes it. */
interface HostPiece extends AutoCloseable {
    /** The memory, for any thread, until the piece is closed. */
    MemorySegment segment();

    /** The memory where kernels read it in place, over the link; empty if they cannot. */
    Optional<PinnedBuffer> mapped();

    /** Copies {@code bytes} from {@code start} of this to {@code offset} of a slot, in the stream's order. */
    void upload(long start, DeviceMemory slot, long offset, long bytes, CudaStream stream);

    /** Copies rows to rows of a slot, in the stream's order. */
    void uploadRows(Rows from, DeviceMemory slot, Rows to, long rowBytes, long count, CudaStream stream);

    /** Copies the first {@code bytes} of a slot to {@code start} of this, in the stream's order. */
    void download(DeviceMemory slot, long start, long bytes, CudaStream stream);

    @Override
    void close();
}
