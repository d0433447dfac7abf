package dev.gatun.quant.solver;

/**
 * One entry of the second level, as it is stored in binary16: value = (code - zero) &middot; step.
 *
 * @param step positive, a binary16
 * @param zero a binary16
 */
record Affine(float step, float zero) {
    /** The smallest positive binary16 that is not subnormal: of zeros alone, the step does not matter. */
    private static final float SMALLEST = 0x1p-14f;

    /** The largest binary16. */
    static final float LARGEST = 65504;

    /** A zero of this magnitude still tells half codes apart. */
    private static final float LARGEST_ZERO = 1024;

    /** Codes from 0 to {@code top} for values from {@code low} to {@code high}. */
    static Affine over(float low, float high, int top) {
        float far = Math.max(Math.abs(low), Math.abs(high));
        float step = Rounding.half(Math.min(Math.max((high - low) / top, far / LARGEST_ZERO), LARGEST));
        if (step == 0) {
            step = far == 0 ? SMALLEST : Float.float16ToFloat((short) 1);
        }
        return new Affine(step, Rounding.half(Math.clamp(-low / step, -LARGEST, LARGEST)));
    }

    int code(float value, int top) {
        return (int) Rounding.code(value / step + zero, top);
    }

    float value(int code) {
        return (code - zero) * step;
    }

    /** The squared error that rounding to codes makes, each value's times a weight. */
    double error(float[] values, float[] weights, int count, int top) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            float difference = values[i] - value(code(values[i], top));
            sum += weights[i] * difference * difference;
        }
        return sum;
    }
}
