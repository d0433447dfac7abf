package dev.gatun.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A piece of native memory that is used again and again, so that a call allocates none. Not for several threads at once. */
final class Scratch {
    // Enough for a decoding step: a few products, or the ids of a thousand tokens.
    private static final long FIRST_BYTES = 4096;

    private MemorySegment memory = allocate(FIRST_BYTES);

    /** Memory of this size at a multiple of 64 bytes; what the last call returned must no longer be used. */
    MemorySegment of(long bytes) {
        if (bytes > memory.byteSize()) {
            memory = allocate(Math.max(bytes, 2 * memory.byteSize()));
        }
        return memory.asSlice(0, bytes);
    }

    private static MemorySegment allocate(long bytes) {
        // Small and seldom: left to the garbage collector, so that a pool has nothing but its threads to close.
        return Arena.ofAuto().allocate(bytes, 64);
    }
}
