package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Stream;

/**
 * Small integers on their way to the device (token ids, a position): the host writes on while copies are in flight, and
 * waits only if it is as many copies ahead as there are places.
 */
final class UploadRing implements AutoCloseable {
    private static final int PLACES = 16;

    private final CudaStream stream;
    private final long placeBytes;
    private final PinnedBuffer memory;
    private final List<CudaEvent> copied;
    private long turn;

    UploadRing(CudaDevice device, CudaStream stream, int integers) {
        this.stream = stream;
        this.placeBytes = (long) integers * Integer.BYTES;
        this.memory = PinnedBuffer.allocate(device, PLACES * placeBytes);
        this.copied =
                Stream.generate(() -> CudaEvent.open(device)).limit(PLACES).toList();
        // So that each can be waited for from the start.
        copied.forEach(stream::record);
    }

    /** Copies integers to the beginning of {@code target}, in the stream's order. */
    void upload(int[] values, DeviceMemory target) {
        int place = (int) (turn++ % PLACES);
        copied.get(place).synchronize();
        long offset = place * placeBytes;
        for (int i = 0; i < values.length; i++) {
            memory.segment().set(ValueLayout.JAVA_INT, offset + (long) i * Integer.BYTES, values[i]);
        }
        target.copyFrom(0, memory, offset, (long) values.length * Integer.BYTES, stream);
        stream.record(copied.get(place));
    }

    @Override
    public void close() {
        copied.forEach(CudaEvent::close);
        memory.close();
    }
}
