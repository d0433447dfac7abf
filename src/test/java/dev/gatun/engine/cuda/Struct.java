package dev.gatun.engine.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A kernel's struct argument, filled from its beginning; numbers of eight bytes come before those of four. */
final class Struct {
    private final MemorySegment bytes;
    private long at;

    Struct(long size) {
        bytes = Arena.ofAuto().allocate(size, 8);
    }

    /** Null for a null pointer. */
    Struct addresses(Region... regions) {
        for (Region region : regions) {
            if (region != null) {
                region.storeAddress(bytes, at);
            }
            at += Long.BYTES;
        }
        return this;
    }

    Struct number(long number) {
        bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, at, number);
        at += Long.BYTES;
        return this;
    }

    Struct numbers(int... numbers) {
        MemorySegment.copy(numbers, 0, bytes, ValueLayout.JAVA_INT_UNALIGNED, at, numbers.length);
        at += (long) Integer.BYTES * numbers.length;
        return this;
    }

    /** All of it, once it is filled to the last byte. */
    MemorySegment bytes() {
        if (at != bytes.byteSize()) {
            throw new IllegalStateException(at + " of " + bytes.byteSize() + " bytes are set");
        }
        return bytes;
    }
}
