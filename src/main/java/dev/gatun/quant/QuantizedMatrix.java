package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A weight matrix in few bits. */
public sealed interface QuantizedMatrix extends WeightMatrix permits HqqMatrix, NarrowMatrix {
    /** How its parts lie in memory. */
    QuantizationScheme scheme();

    /** The packed codes, as {@link HqqScheme} says. */
    MemorySegment codes();

    /**
     * The same weights with codes that kernels read: this matrix itself, or where its codes have 3 bits, one whose codes have 4.
     *
     * @param arena new codes are allocated in it; several threads write them, so it must let them
     */
    QuantizedMatrix computable(Arena arena);

    /** Bytes of {@link #computable}. */
    @Override
    default long computedBytes() {
        return bytes() + (scheme().bits() == WideCodes.FROM_BITS ? WideCodes.bytes(codes()) - codes().byteSize() : 0);
    }
}
