package dev.gatun.quant;

import java.lang.foreign.MemorySegment;

/** Packs parts of a block by copying in host memory. */
public record PackingCopies(MemorySegment from, MemorySegment to) implements ExpertCut.Packing {
    @Override
    public void bytes(long source, long target, long count) {
        MemorySegment.copy(from, source, to, target, count);
    }

    @Override
    public void rows(long source, long sourcePitch, long target, long targetPitch, long bytes, long count) {
        for (long row = 0; row < count; row++) {
            bytes(source + row * sourcePitch, target + row * targetPitch, bytes);
        }
    }
}
