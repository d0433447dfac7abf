package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A struct that a kernel takes by value or finds in a table: its fields are written by their offset in bytes. Pointers are
 * followed by kernels alone; the memory behind them must outlive the launches.
 */
record KernelStruct(MemorySegment bytes) {
    /** A struct of zeros, as long as it is reachable. */
    static KernelStruct allocate(long bytes) {
        return new KernelStruct(Arena.ofAuto().allocate(bytes, Long.BYTES));
    }

    /** A struct inside this one. */
    KernelStruct part(long offset, long length) {
        return new KernelStruct(bytes.asSlice(offset, length));
    }

    KernelStruct clear() {
        bytes.fill((byte) 0);
        return this;
    }

    KernelStruct pointer(long offset, DeviceMemory memory) {
        memory.storeAddress(0, bytes, offset);
        return this;
    }

    KernelStruct integer(long offset, int value) {
        bytes.set(ValueLayout.JAVA_INT, offset, value);
        return this;
    }

    KernelStruct longInteger(long offset, long value) {
        bytes.set(ValueLayout.JAVA_LONG, offset, value);
        return this;
    }

    KernelStruct real(long offset, float value) {
        bytes.set(ValueLayout.JAVA_FLOAT, offset, value);
        return this;
    }
}
