package dev.gatun.offload;

import dev.gatun.quant.ExpertBlock;
import java.lang.foreign.MemorySegment;

/** Where the bytes of a model's experts come from when its store is filled. All experts have one shape. */
public interface ExpertSource {
    /** The shape of every expert. */
    ExpertBlock block();

    /**
     * Writes one expert. Several threads may call it at once.
     *
     * @param target exactly {@code block().bytes()} bytes at a multiple of 4096
     */
    void write(int layer, int expert, MemorySegment target);
}
