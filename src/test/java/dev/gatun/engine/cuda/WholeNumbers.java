package dev.gatun.engine.cuda;

/** A model in whole numbers, which floats add without rounding in any order. */
final class WholeNumbers {
    private static final int MODULUS = 1024;

    private WholeNumbers() {}

    /** What experts are computed from. */
    static float normed(float value, int layer, int sequence) {
        return (value + 31 * layer + 7 * sequence) % 64;
    }

    /** A router's weight of an expert, by its number among all layers'. */
    static float weight(int expert) {
        return 1 + expert % 4;
    }

    /** What parts of an expert make of an input. */
    static float parts(int expert, int from, int to, float x) {
        float sum = 0;
        for (int part = from; part < to; part++) {
            sum += x + expert + 3 * part;
        }
        return sum;
    }

    /** The residual stream with something added. */
    static float plus(float residual, float more) {
        return (residual + more) % MODULUS;
    }
}
