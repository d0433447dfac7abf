package dev.gatun.quant.solver;

/** The least and the greatest of some values. */
record Range(float low, float high) {
    /** Of every {@code stride}th value from {@code from} on. */
    static Range of(float[] values, int from, int to, int stride) {
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (int i = from; i < to; i += stride) {
            low = Math.min(low, values[i]);
            high = Math.max(high, values[i]);
        }
        return new Range(low, high);
    }

    /** The range without these parts of it. */
    Range without(float below, float above) {
        float length = high - low;
        return new Range(low + below * length, high - above * length);
    }

    /** Codes from 0 to {@code top} over all of it. */
    Affine affine(int top) {
        return Affine.over(low, high, top);
    }
}
