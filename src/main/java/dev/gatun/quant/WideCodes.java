package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * Brings codes of 3 bits, which take two planes, into fields of 4 bits, which kernels read, and back; they take a third more
 * memory there.
 *
 * <p>With T weights, byte p of the 4-bit codes holds the weights p and p + T / 2. An eighth of all weights is what a byte of the
 * plane of single bits is of: where p is in eighth e of the weights, the bits of its two weights are 7 - e and 3 - e of a byte
 * there, and their lower bits are fields e / 2 and e / 2 + 2 of a byte of the other plane.
 */
final class WideCodes {
    static final int FROM_BITS = 3;
    static final int TO_BITS = 4;

    /** What brings codes of 3 bits to the middle of those of 4. */
    static final int RAISED = 4;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final long ONES = 0x0101010101010101L;
    private static final long THREES = 3 * ONES;

    /** Bytes that a thread does before it takes others. */
    private static final long PIECE = 1 << 16;

    private final MemorySegment codes;
    private final MemorySegment wide;
    private final long eighth;

    private WideCodes(MemorySegment codes, MemorySegment wide) {
        this.codes = codes;
        this.wide = wide;
        this.eighth = wide.byteSize() / TO_BITS;
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
        MemorySegment wide = arena.allocate(bytes(codes));
        WideCodes both = new WideCodes(codes, wide);
        both.forEachStep(both::widen);
        return wide;
    }

    /**
     * Undoes {@link #of}.
     *
     * @param wide codes below 8, of a multiple of 8 weights
     * @param arena shared between threads
     */
    static MemorySegment undo(MemorySegment wide, Arena arena) {
        MemorySegment codes = arena.allocate(wide.byteSize() / TO_BITS * FROM_BITS);
        WideCodes both = new WideCodes(codes, wide);
        both.forEachStep(both::narrow);
        return codes;
    }

    /** Adds {@link #RAISED} to codes below 8 in fields of 4 bits. */
    static void raise(MemorySegment wide) {
        byte both = RAISED << TO_BITS | RAISED;
        for (long at = 0; at < wide.byteSize(); at++) {
            wide.set(ValueLayout.JAVA_BYTE, at, (byte) (wide.get(ValueLayout.JAVA_BYTE, at) + both));
        }
    }

    /** Whether no field of 4 bits has its highest one set. */
    static boolean areBelowEight(MemorySegment wide) {
        for (long at = 0; at < wide.byteSize(); at++) {
            if ((wide.get(ValueLayout.JAVA_BYTE, at) & 0x88) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Takes so many bytes, 8 or 1, of each eighth. */
    @FunctionalInterface
    private interface Step {
        void take(long at, int bytes);
    }

    private void forEachStep(Step step) {
        int pieces = Math.toIntExact((eighth + PIECE - 1) / PIECE);
        IntStream.range(0, pieces).parallel().forEach(piece -> {
            long to = Math.min((piece + 1) * PIECE, eighth);
            long at = piece * PIECE;
            for (; at + Long.BYTES <= to; at += Long.BYTES) {
                step.take(at, Long.BYTES);
            }
            for (; at < to; at++) {
                step.take(at, 1);
            }
        });
    }

    // All shifts stay within a byte once they are masked, so eight bytes are one number.

    private void widen(long at, int bytes) {
        long highest = read(codes, 2 * eighth + at, bytes);
        for (int e = 0; e < TO_BITS; e++) {
            long lower = read(codes, e % 2 * eighth + at, bytes);
            int pair = 2 * (e / 2);
            long upper = part(lower, 6 - pair, THREES) | part(highest, 7 - e, ONES) << 2;
            long under = part(lower, 2 - pair, THREES) | part(highest, 3 - e, ONES) << 2;
            write(wide, e * eighth + at, bytes, upper << 4 | under);
        }
    }

    private void narrow(long at, int bytes) {
        long highest = 0;
        for (int half = 0; half < 2; half++) {
            long lower = 0;
            for (int e = half; e < TO_BITS; e += 2) {
                long both = read(wide, e * eighth + at, bytes);
                int pair = 2 * (e / 2);
                lower |= part(both, 4, THREES) << (6 - pair) | part(both, 0, THREES) << (2 - pair);
                highest |= part(both, 6, ONES) << (7 - e) | part(both, 2, ONES) << (3 - e);
            }
            write(codes, half * eighth + at, bytes, lower);
        }
        write(codes, 2 * eighth + at, bytes, highest);
    }

    private static long part(long bytes, int shift, long mask) {
        return bytes >>> shift & mask;
    }

    private static long read(MemorySegment source, long at, int bytes) {
        return bytes == Long.BYTES ? source.get(LONG, at) : source.get(ValueLayout.JAVA_BYTE, at);
    }

    private static void write(MemorySegment target, long at, int bytes, long value) {
        if (bytes == Long.BYTES) {
            target.set(LONG, at, value);
        } else {
            target.set(ValueLayout.JAVA_BYTE, at, (byte) value);
        }
    }
}
