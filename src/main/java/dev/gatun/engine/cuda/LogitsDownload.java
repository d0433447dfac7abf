package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The way of logits and error words to the host. */
final class LogitsDownload implements AutoCloseable {
    private final Holdings holdings = new Holdings();
    private final CudaStream stream;
    private final PinnedBuffer row;
    private final PinnedBuffer errorWords;

    LogitsDownload(CudaDevice device, CudaStream stream, int vocabulary, int words) {
        this.stream = stream;
        try {
            this.row = holdings.remember(PinnedBuffer.allocate(device, (long) vocabulary * Float.BYTES));
            this.errorWords = holdings.remember(PinnedBuffer.allocate(device, (long) words * Integer.BYTES));
        } catch (RuntimeException | Error failure) {
            holdings.closeAfter(failure);
            throw failure;
        }
    }

    /**
     * Waits for all work and copies float32 values.
     *
     * @param errors the chunk's error words
     * @throws dev.gatun.engine.RouterFailureException if a router saw NaN
     */
    void fetch(DeviceMemory logits, DeviceMemory errors, float[] target) {
        if (logits.byteSize() != (long) target.length * Float.BYTES) {
            throw new IllegalArgumentException(
                    "logits have " + logits.byteSize() / Float.BYTES + " values, the target " + target.length);
        }
        errors.copyTo(0, errorWords, 0, errors.byteSize(), stream);
        if (logits.byteSize() <= row.byteSize()) {
            logits.copyTo(0, row, 0, logits.byteSize(), stream);
            stream.synchronize();
            copy(row.segment(), target);
        } else {
            fetchMany(logits, target);
        }
        ErrorWords.check(errorWords.segment());
    }

    private void fetchMany(DeviceMemory logits, float[] target) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(logits.byteSize(), Float.BYTES);
            logits.download(0, host, stream);
            copy(host, target);
        }
    }

    /**
     * Waits for all work.
     *
     * @param errors the chunk's error words
     * @throws dev.gatun.engine.RouterFailureException if a router saw NaN
     */
    void awaitErrors(DeviceMemory errors) {
        errors.copyTo(0, errorWords, 0, errors.byteSize(), stream);
        stream.synchronize();
        ErrorWords.check(errorWords.segment());
    }

    private static void copy(MemorySegment from, float[] target) {
        MemorySegment.copy(from, ValueLayout.JAVA_FLOAT, 0, target, 0, target.length);
    }

    @Override
    public void close() {
        holdings.close();
    }
}
