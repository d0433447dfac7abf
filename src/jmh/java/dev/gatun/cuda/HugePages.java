package dev.gatun.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory as that in which experts wait for a GPU: on huge pages where those are to be had. */
public final class HugePages {
    private HugePages() {}

    /**
     * Memory that the arena frees.
     *
     * @throws OutOfMemoryError if the system has no such room
     */
    public static MemorySegment allocate(Arena arena, long bytes) {
        return AnonymousMemory.map(bytes).reinterpret(arena, AnonymousMemory::unmap);
    }
}
