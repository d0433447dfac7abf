package dev.gatun.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps the memory behind a native struct reachable and tells when it was freed: the pointers inside a struct are out of
 * the sight of Java's own checks. It holds one segment of each arena, since arenas are freed as a whole.
 */
final class Liveness {
    private final MemorySegment[] witnesses;

    private Liveness(List<MemorySegment> witnesses) {
        this.witnesses = witnesses.toArray(MemorySegment[]::new);
    }

    static Liveness of(List<MemorySegment> segments) {
        List<MemorySegment> witnesses = new ArrayList<>();
        for (MemorySegment segment : segments) {
            if (witnesses.stream().noneMatch(witness -> witness.scope().equals(segment.scope()))) {
                witnesses.add(segment);
            }
        }
        return new Liveness(witnesses);
    }

    static Liveness ofAll(List<Liveness> parts) {
        return of(
                parts.stream().flatMap(part -> List.of(part.witnesses).stream()).toList());
    }

    /** Throws unless all of the memory can be used by this thread. */
    void require(String name) {
        for (MemorySegment witness : witnesses) {
            require(name, witness);
        }
    }

    /** Throws unless a segment can be used by this thread. */
    static void require(String name, MemorySegment segment) {
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("the memory of " + name + " was freed: its arena is closed");
        }
        if (!segment.isAccessibleBy(Thread.currentThread())) {
            throw new WrongThreadException("the memory of " + name + " is confined to another thread");
        }
    }
}
