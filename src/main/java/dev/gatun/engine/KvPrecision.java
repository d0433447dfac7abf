package dev.gatun.engine;

/** How keys and values are stored. */
public enum KvPrecision {
    /** IEEE 754 binary16: what generation uses. */
    F16(2),
    /** IEEE 754 binary32: twice the memory, for comparisons with a reference. */
    F32(4);

    private final int bytes;

    KvPrecision(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one value. */
    public int bytes() {
        return bytes;
    }
}
