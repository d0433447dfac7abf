package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * Brings codes of 3 bits, which take two planes, into fields of 4 bits, which kernels read; they take a third more memory so.
 *
 * <p>With T weights, byte p of the 4-bit codes holds the weights p and p + T / 2. An eighth of all weights is what a byte of the
 * plane of single bits is of: where p is in eighth e of the weights, the bits of its two weights are 7 - e and 3 - e of a byte
 * there, and their lower bits are fields e / 2 and e / 2 + 2 of a byte of the other plane.
 */
final class WideCodes {
    static final int FROM_BITS = 3;
    static final int TO_BITS = 4;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /** Eighths of the weights that the upper fields of the result hold. */
    private static final int EIGHTHS = 4;

    /** Bytes that a thread does before it takes others. */
    private static final long PIECE = 1 << 16;

    private final MemorySegment lower;
    private final MemorySegment highest;
    private final MemorySegment wide;

    private WideCodes(MemorySegment lower, MemorySegment highest, MemorySegment wide) {
        this.lower = lower;
        this.highest = highest;
        this.wide = wide;
    }

    /** Bytes of codes that are widened. */
    static long bytes(MemorySegment codes) {
        return codes.byteSize() / FROM_BITS * TO_BITS;
    }

    /**
     * The codes in fields of 4 bits.
     *
     * @param codes both planes, of a multiple of 8 weights
     * @param arena shared between threads
     */
    static MemorySegment of(MemorySegment codes, Arena arena) {
        long eighth = codes.byteSize() / FROM_BITS;
        MemorySegment wide = arena.allocate(bytes(codes));
        WideCodes widening = new WideCodes(codes.asSlice(0, 2 * eighth), codes.asSlice(2 * eighth), wide);
        int pieces = Math.toIntExact((eighth + PIECE - 1) / PIECE);
        IntStream.range(0, EIGHTHS * pieces).parallel().forEach(i -> {
            long from = i / EIGHTHS * PIECE;
            widening.widen(i % EIGHTHS, from, Math.min(from + PIECE, eighth));
        });
        return wide;
    }

    /** Some bytes of an eighth; all shifts stay within a byte once they are masked, so eight are done at once. */
    private void widen(int eighth, long from, long to) {
        long size = highest.byteSize();
        long lowerBegin = eighth % 2 * size;
        long wideBegin = eighth * size;
        long i = from;
        for (; i + Long.BYTES <= to; i += Long.BYTES) {
            wide.set(LONG, wideBegin + i, both(eighth, lower.get(LONG, lowerBegin + i), highest.get(LONG, i)));
        }
        for (; i < to; i++) {
            byte low = lower.get(ValueLayout.JAVA_BYTE, lowerBegin + i);
            byte high = highest.get(ValueLayout.JAVA_BYTE, i);
            wide.set(ValueLayout.JAVA_BYTE, wideBegin + i, (byte) both(eighth, low, high));
        }
    }

    private static long both(int eighth, long lower, long highest) {
        int pair = 2 * (eighth / 2);
        long ones = 0x0101010101010101L;
        long threes = 3 * ones;
        long upper = part(lower, 6 - pair, threes) | part(highest, 7 - eighth, ones) << 2;
        return upper << 4 | part(lower, 2 - pair, threes) | part(highest, 3 - eighth, ones) << 2;
    }

    private static long part(long bytes, int shift, long mask) {
        return bytes >>> shift & mask;
    }
}
