package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Small things on their way to the device (token ids, a position, pointers): the host writes on while copies are in flight,
 * and waits only if it is as many copies ahead as there are places.
 */
final class UploadRing implements AutoCloseable {
    /** For who has no need of more. */
    static final int USUAL_PLACES = 16;

    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final long placeBytes;
    private final PinnedBuffer memory;
    private final List<CudaEvent> copied;
    private long turn;

    /** Takes memory for {@link #USUAL_PLACES} copies. */
    UploadRing(CudaDevice device, CudaStream stream, int placeBytes) {
        this(device, stream, USUAL_PLACES, placeBytes);
    }

    /**
     * Takes memory.
     *
     * @param places copies that the host may be ahead
     * @param placeBytes the most bytes of one
     */
    UploadRing(CudaDevice device, CudaStream stream, int places, int placeBytes) {
        this.stream = stream;
        this.placeBytes = placeBytes;
        try {
            this.memory = holdings.remember(PinnedBuffer.allocate(device, places * (long) placeBytes));
            this.copied = Stream.generate(() -> holdings.remember(CudaEvent.open(device)))
                    .limit(places)
                    .toList();
            // So that each can be waited for from the start.
            copied.forEach(stream::record);
        } catch (RuntimeException | Error failure) {
            holdings.closeAfter(failure);
            throw failure;
        }
    }

    /** Copies integers to the beginning of {@code target}, in the stream's order. */
    void upload(int[] values, DeviceMemory target) {
        upload(
                (long) values.length * Integer.BYTES,
                target,
                place -> MemorySegment.copy(values, 0, place, ValueLayout.JAVA_INT, 0, values.length));
    }

    /**
     * Copies what {@code writer} writes to the beginning of {@code target}, in the stream's order.
     *
     * @param bytes how many, all of which the writer sets
     */
    void upload(long bytes, DeviceMemory target, Consumer<MemorySegment> writer) {
        int place = (int) (turn++ % copied.size());
        copied.get(place).synchronize();
        long offset = place * placeBytes;
        MemorySegment segment = memory.segment().asSlice(offset, bytes);
        writer.accept(segment);
        target.copyFrom(0, memory, offset, bytes, stream);
        stream.record(copied.get(place));
    }

    @Override
    public void close() {
        holdings.close();
    }
}
