package dev.gatun.checkpoint;

import java.util.Optional;

/**
 * How matrices that HQQ quantized are stored, as someone says: their tensors do not. What is stated is compared with the numbers
 * of elements, and goes before what a {@link QuantizationFile} says.
 *
 * @param attention of queries, keys, values and outputs; empty for what the file says, or else follows from the numbers
 * @param experts of all matrices of experts; empty likewise
 */
public record StatedSchemes(Optional<StatedScheme> attention, Optional<StatedScheme> experts) {
    /** Nothing is stated. */
    public static StatedSchemes none() {
        return new StatedSchemes(Optional.empty(), Optional.empty());
    }
}
