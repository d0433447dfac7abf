package dev.gatun.text;

/**
 * The SplitMix64 generator (Steele, Lea and Flood, 2014, with Stafford's mix 13). Written out here, because "the same
 * seed gives the same text" must outlive changes of the JDK's generators.
 */
final class SplitMix64 {
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
    private static final double UNIT = 0x1p-53;

    private long state;

    SplitMix64(long seed) {
        this.state = seed;
    }

    long nextLong() {
        state += GOLDEN_GAMMA;
        long mixed = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }

    /** Uniform from 0, inclusive, to 1, exclusive: the upper 53 bits. */
    double nextDouble() {
        return (nextLong() >>> 11) * UNIT;
    }
}
