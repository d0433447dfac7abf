package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.engine.cuda.Holdings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;

/**
 * The way of ordinary memory to the device and back, through two page-locked pieces: while one is on the link, the host fills
 * or empties the other. One thread at a time uses it.
 */
final class Transfer implements AutoCloseable {
    private static final int PIECES = 2;
    private static final long PIECE = 8L << 20;

    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final PinnedBuffer memory;
    private final List<CudaEvent> copied;

    Transfer(CudaDevice device, CudaStream stream) {
        this.stream = stream;
        try {
            this.memory = holdings.remember(PinnedBuffer.allocate(device, PIECES * PIECE));
            this.copied = Stream.generate(() -> holdings.remember(CudaEvent.open(device)))
                    .limit(PIECES)
                    .toList();
            // So that each can be waited for from the start.
            copied.forEach(stream::record);
        } catch (RuntimeException | Error failure) {
            holdings.closeAfter(failure);
            throw failure;
        }
    }

    /** Copies all of a segment to the beginning of {@code target}, in the stream's order; it may be freed on return. */
    void upload(MemorySegment source, DeviceMemory target) {
        int pieces = pieces(source.byteSize());
        for (int i = 0; i < pieces; i++) {
            long bytes = bytes(i, source.byteSize());
            int turn = i % PIECES;
            copied.get(turn).synchronize();
            MemorySegment.copy(source, i * PIECE, memory.segment(), turn * PIECE, bytes);
            target.copyFrom(i * PIECE, memory, turn * PIECE, bytes, stream);
            stream.record(copied.get(turn));
        }
    }

    /** Fills a segment from the beginning of {@code source}, after all work of the stream, and waits until that is done. */
    void download(DeviceMemory source, MemorySegment target) {
        int pieces = pieces(target.byteSize());
        for (int i = 0; i < pieces; i++) {
            begin(source, i, target.byteSize());
            if (i > 0) {
                end(i - 1, target);
            }
        }
        end(pieces - 1, target);
    }

    /** Allocates a segment and fills it with all of {@code source}. */
    MemorySegment download(DeviceMemory source, Arena arena) {
        MemorySegment target = arena.allocate(source.byteSize(), Long.BYTES);
        download(source, target);
        return target;
    }

    private void begin(DeviceMemory source, int piece, long all) {
        int turn = piece % PIECES;
        source.copyTo(piece * PIECE, memory, turn * PIECE, bytes(piece, all), stream);
        stream.record(copied.get(turn));
    }

    private void end(int piece, MemorySegment target) {
        int turn = piece % PIECES;
        copied.get(turn).synchronize();
        MemorySegment.copy(memory.segment(), turn * PIECE, target, piece * PIECE, bytes(piece, target.byteSize()));
    }

    private static int pieces(long bytes) {
        return Math.toIntExact(Math.ceilDiv(bytes, PIECE));
    }

    private static long bytes(int piece, long all) {
        return Math.min(PIECE, all - piece * PIECE);
    }

    @Override
    public void close() {
        holdings.close();
    }
}
