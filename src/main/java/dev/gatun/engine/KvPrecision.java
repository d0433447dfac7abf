package dev.gatun.engine;

import dev.gatun.checkpoint.MixtralConfig;

/** How keys and values are stored. */
public enum KvPrecision {
    /**
     * Sixteen bits, what generation uses: IEEE 754 binary16 on the CPU; on a GPU words of eight neighbouring columns that share
     * an exponent. Those are off by at most a unit, a zero too unless all eight are zeros: up to eight times as fine where a
     * value is as large as the largest of the eight; below an eighth of that a binary16 is finer.
     */
    F16(2),
    /** IEEE 754 binary32: twice the memory, for comparisons with a reference. */
    F32(4);

    private final int bytes;

    KvPrecision(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of the keys and values of so many positions of a model. */
    public long cacheBytes(MixtralConfig config, int positions) {
        return config.keyValues() * positions * bytes;
    }

    /** Bytes of one value. */
    public int bytes() {
        return bytes;
    }
}
