package dev.gatun;

/**
 * Which weights the ten 3-bit codes of an int32 are, in checkpoints whose files do not tell: see
 * {@link ModelSource#withRowOrder}.
 */
public enum RowOrder {
    /** As the HQQ library packs them, by groups. */
    NATIVE,
    /** By rows of the matrix, of which each tenth is a field of its own. */
    SPLIT,
    /** By rows of the matrix, ten neighbours in a word. */
    INTERLEAVED
}
