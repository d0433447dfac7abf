package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.DeviceMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Device memory that a kernel reads or writes, between two guards that it must do neither with: all their bits are set, so
 * that a value read from there is not a number, and what was written there is seen.
 */
final class Region implements AutoCloseable {
    /** A checker that knows where memory ends needs none: it is given 0. */
    private static final long GUARD = Long.getLong("gatun.test.guard", 256);

    private final boolean isInput;
    private final MemorySegment initial;
    private final DeviceBuffer buffer;
    private MemorySegment last;

    Region(CudaDevice device, MemorySegment content, boolean isInput) {
        this.isInput = isInput;
        this.initial = Arena.ofAuto().allocate(content.byteSize() + 2 * GUARD).fill((byte) -1);
        initial.asSlice(GUARD, content.byteSize()).copyFrom(content);
        this.buffer = DeviceBuffer.allocate(device, initial.byteSize());
        this.last = initial;
    }

    DeviceMemory memory() {
        return buffer.slice(GUARD, buffer.byteSize() - 2 * GUARD);
    }

    /** Puts its address into a struct. */
    void storeAddress(MemorySegment struct, long offset) {
        memory().storeAddress(0, struct, offset);
    }

    void reset(CudaStream stream) {
        buffer.upload(0, initial, stream);
    }

    /** Fetches what is there now and checks that the rest is as it was. */
    void fetch(CudaStream stream) {
        MemorySegment now = Arena.ofAuto().allocate(initial.byteSize());
        buffer.download(0, now, stream);
        long end = now.byteSize() - GUARD;
        assertThat(now.asSlice(0, GUARD).mismatch(initial.asSlice(0, GUARD)))
                .as("first byte changed before the memory")
                .isEqualTo(-1);
        assertThat(now.asSlice(end).mismatch(initial.asSlice(end)))
                .as("first byte changed behind the memory")
                .isEqualTo(-1);
        if (isInput) {
            assertThat(now.mismatch(initial))
                    .as("first byte changed of an input")
                    .isEqualTo(-1);
        }
        last = now;
    }

    /** What was fetched last. */
    MemorySegment bytes() {
        return last.asSlice(GUARD, last.byteSize() - 2 * GUARD);
    }

    float[] floats() {
        return bytes().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }

    int[] ints() {
        return bytes().toArray(ValueLayout.JAVA_INT_UNALIGNED);
    }

    short[] halves() {
        return bytes().toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
    }

    @Override
    public void close() {
        buffer.close();
    }
}
