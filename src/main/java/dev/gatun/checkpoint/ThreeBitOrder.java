package dev.gatun.checkpoint;

/**
 * Which weights the ten 3-bit codes of an int32 are, the first in bits 29 to 27. Two of these need the same number of words,
 * and nothing in a file tells them apart.
 */
public enum ThreeBitOrder {
    /** As HQQ packs: with r = ceil(group / 10), member i of a group is field i / r of packed row i mod r, groups side by side. */
    NATIVE,
    /** Packed again by rows of the matrix: with r = ceil(N / 10), row n is field n / r of packed row n mod r. */
    SPLIT,
    /** Packed again by rows of the matrix: row n is field n mod 10 of packed row n / 10. */
    INTERLEAVED
}
