package dev.gatun.cuda;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.stream.LongStream;

/** Memory straight from the kernel: zero, of whole pages, huge ones where it can, and all there before it is used. */
final class AnonymousMemory {
    private static final int READ_WRITE = 1 | 2;
    private static final int PRIVATE_ANONYMOUS = 0x02 | 0x20;
    private static final int WANT_HUGE_PAGES = 14;
    private static final long FAILED = -1;
    private static final long PAGE = 4096;
    private static final long TOUCHED_AT_ONCE = 64L << 20;

    private static final MethodHandle MMAP = handle(
            "mmap",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle MUNMAP =
            handle("munmap", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle MADVISE = handle(
            "madvise",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

    private AnonymousMemory() {}

    private static MethodHandle handle(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
    }

    /**
     * Maps memory and touches all its pages, with as many threads as the common pool has.
     *
     * @return memory that {@link #unmap} frees
     * @throws OutOfMemoryError if the system has no such room
     */
    static MemorySegment map(long bytes) {
        try {
            long address = (long) MMAP.invokeExact(0L, bytes, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            if (address == FAILED) {
                throw new OutOfMemoryError("the system has no room for " + bytes + " bytes of anonymous memory");
            }
            // Advice only: where huge pages are switched off, small ones serve.
            int ignored = (int) MADVISE.invokeExact(address, bytes, WANT_HUGE_PAGES);
            MemorySegment memory = MemorySegment.ofAddress(address).reinterpret(bytes);
            touch(memory);
            return memory;
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a downcall throws nothing", e);
        }
    }

    static void unmap(MemorySegment memory) {
        try {
            int ignored = (int) MUNMAP.invokeExact(memory.address(), memory.byteSize());
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a downcall throws nothing", e);
        }
    }

    private static void touch(MemorySegment memory) {
        LongStream.iterate(0, start -> start < memory.byteSize(), start -> start + TOUCHED_AT_ONCE)
                .parallel()
                .forEach(start -> touch(memory, start, Math.min(start + TOUCHED_AT_ONCE, memory.byteSize())));
    }

    private static void touch(MemorySegment memory, long start, long end) {
        for (long offset = start; offset < end; offset += PAGE) {
            memory.set(ValueLayout.JAVA_BYTE, offset, (byte) 0);
        }
    }
}
