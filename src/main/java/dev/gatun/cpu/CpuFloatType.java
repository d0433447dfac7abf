package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;

/** The floating-point types that the CPU library reads weights in; all little-endian. */
public enum CpuFloatType {
    /** IEEE 754 binary32. */
    F32(CpuLibrary.GATUN_F32(), Float.BYTES),
    /** IEEE 754 binary16. */
    F16(CpuLibrary.GATUN_F16(), Short.BYTES),
    /** bfloat16: the upper half of a binary32. */
    BF16(CpuLibrary.GATUN_BF16(), Short.BYTES);

    private final int code;
    private final int bytes;

    CpuFloatType(int code, int bytes) {
        this.code = code;
        this.bytes = bytes;
    }

    int code() {
        return code;
    }

    /** Bytes of one value. */
    public int bytes() {
        return bytes;
    }
}
