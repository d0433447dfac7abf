package dev.gatun.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/** Random content for memory; the same seed and the same calls give the same. Some 6 GB/s a thread. */
final class Noise {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final long ANY = -1L;
    /** Of each half its sign and mantissa. */
    private static final long SIGNED_MANTISSAS = 0x83ff83ff83ff83ffL;

    private static final long EACH_HALF = 0x0001000100010001L;
    private static final int HALF_BIAS = 15;
    private static final int HALF_MANTISSA_BITS = 10;

    private final SplittableRandom random;

    Noise(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** A seed for content that is made apart. */
    long seed() {
        return random.nextLong();
    }

    /** A noise for content that is made apart. */
    Noise split() {
        return new Noise(seed());
    }

    /** Fills memory with any bytes. */
    void bytes(MemorySegment target) {
        fill(target, ANY, 0);
    }

    /** Fills memory with binary16 numbers of magnitudes from 2^exponent to twice that, and of either sign. */
    void halves(MemorySegment target, int exponent) {
        fill(target, SIGNED_MANTISSAS, ((exponent + HALF_BIAS) * EACH_HALF) << HALF_MANTISSA_BITS);
    }

    private void fill(MemorySegment target, long kept, long set) {
        long words = target.byteSize() / Long.BYTES;
        for (long i = 0; i < words; i++) {
            target.set(LONG, i * Long.BYTES, (random.nextLong() & kept) | set);
        }
        long last = (random.nextLong() & kept) | set;
        for (long at = words * Long.BYTES; at < target.byteSize(); at++) {
            target.set(ValueLayout.JAVA_BYTE, at, (byte) last);
            last >>>= Byte.SIZE;
        }
    }

    /** A binary16 number that is up to a quarter smaller or larger than {@code about}. */
    short halfNear(double about) {
        return half(about * (0.75 + random.nextDouble() / 2));
    }

    /** The binary16 number nearest to a value. */
    static short half(double value) {
        return Float.floatToFloat16((float) value);
    }

    /** Writes a binary16 number. */
    static void set(MemorySegment target, long at, short half) {
        target.set(HALF, at, half);
    }
}
