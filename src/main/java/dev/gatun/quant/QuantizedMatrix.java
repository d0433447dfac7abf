package dev.gatun.quant;

import java.lang.foreign.MemorySegment;

/** A weight matrix in few bits. */
public sealed interface QuantizedMatrix extends WeightMatrix permits HqqMatrix, NarrowMatrix {
    /** How its parts lie in memory. */
    QuantizationScheme scheme();

    /** The packed codes, as {@link HqqScheme} says. */
    MemorySegment codes();
}
