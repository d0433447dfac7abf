package dev.gatun.quant.solver;

/** Rounding that the compiler makes vector instructions of. */
final class Rounding {
    /** Numbers of this magnitude have no fractions: adding it rounds to the nearest, ties to even. */
    private static final float WHOLE = 3 << 22;

    private Rounding() {}

    /** The nearest binary16; ties to even. */
    static float half(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    /** The nearest whole number in [0, top], as a float; ties to even. */
    static float code(float value, float top) {
        float within = Math.min(Math.max(value, 0), top);
        return within + WHOLE - WHOLE;
    }
}
