package dev.gatun.quant.solver;

import java.util.Arrays;

/**
 * The steps of HQQ for the groups of a block. Every operation is rounded to binary16 as the original library's are on a GPU: by
 * that zeros differ in their fourth digit, and a few codes with them. One object serves one thread.
 */
final class HqqRounds {
    private static final int LANES = Grid.LANES;

    /** The original limits the inverse of a scale, in both levels. */
    static final float LARGEST_INVERSE = 2e4f;

    /** Weights times inverse scales stay below this: the original overflows where they are all alike and far from 0. */
    private static final float LARGEST_PLACE = 0x1p15f;

    private final float top;
    private final float[] inverse = new float[LANES];
    private final float[] errors = new float[LANES];
    private final float[] largest = new float[LANES];
    private final float[] distances = new float[LANES];

    HqqRounds(int top) {
        this.top = top;
    }

    /** The scale and zero of the range of each group; whole zeros for 4 bits. */
    void begin(float[][] weights, float[] scales, float[] zeros) {
        toHalf(weights);
        for (int i = 0; i < LANES; i++) {
            Range range = range(weights, i);
            float exact = inverse(range);
            float zero = -range.low() * exact;
            scales[i] = Rounding.half(1 / Rounding.half(exact));
            zeros[i] = Rounding.half(top == 15 ? (float) Math.rint(zero) : zero);
        }
    }

    /**
     * Moves the zeros of a block by one round.
     *
     * @param width columns that count
     * @param zeros moved
     * @param beta how much errors cost beside their norm
     * @return the sum of the magnitudes of the errors with the zeros before
     */
    double improve(float[][] weights, int width, float[] zeros, double beta) {
        load(weights);
        Arrays.fill(errors, 0);
        Arrays.fill(largest, 0);
        Arrays.fill(distances, 0);
        for (float[] row : weights) {
            addErrors(row, zeros);
        }
        double sum = 0;
        for (int i = 0; i < width; i++) {
            sum += errors[i];
        }
        float shrinksToZero = HqqSchedule.shrinksToZero(beta);
        for (int i = 0; i < width; i++) {
            if (largest[i] > shrinksToZero) {
                distances[i] = shrunkDistance(weights, i, zeros[i], beta);
            }
        }
        for (int i = 0; i < LANES; i++) {
            zeros[i] = Rounding.half(distances[i] / weights.length);
        }
        return sum;
    }

    /** The codes of a block, in float32 as in the original. */
    void codes(float[][] weights, float[] zeros, float[][] codes) {
        load(weights);
        for (int row = 0; row < weights.length; row++) {
            for (int i = 0; i < LANES; i++) {
                codes[row][i] = Rounding.code(weights[row][i] * inverse[i] + zeros[i], top);
            }
        }
    }

    private void load(float[][] weights) {
        toHalf(weights);
        for (int i = 0; i < LANES; i++) {
            inverse[i] = Rounding.half(inverse(range(weights, i)));
        }
    }

    private static void toHalf(float[][] weights) {
        for (float[] row : weights) {
            for (int i = 0; i < LANES; i++) {
                row[i] = Rounding.half(row[i]);
            }
        }
    }

    private static Range range(float[][] weights, int lane) {
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (float[] row : weights) {
            low = Math.min(low, row[lane]);
            high = Math.max(high, row[lane]);
        }
        return new Range(low, high);
    }

    /** The library divides a number by a tensor so: a reciprocal, then a product. Ties of 7.5 are decided by that. */
    private float inverse(Range range) {
        float inverse = Math.min(1 / (range.high() - range.low()) * top, LARGEST_INVERSE);
        float far = Math.max(Math.abs(range.low()), Math.abs(range.high()));
        return Math.min(inverse, LARGEST_PLACE / far);
    }

    /** The errors, and the zeros that would make none, summed. */
    private void addErrors(float[] row, float[] zeros) {
        for (int i = 0; i < LANES; i++) {
            float place = Rounding.half(row[i] * inverse[i]);
            float code = Rounding.code(Rounding.half(place + zeros[i]), top);
            float error = Math.abs(error(row[i], code, zeros[i], inverse[i]));
            errors[i] += error;
            largest[i] = Math.max(largest[i], error);
            distances[i] += Rounding.half(code - place);
        }
    }

    private static float error(float weight, float code, float zero, float inverse) {
        return Rounding.half(weight - Rounding.half(Rounding.half(code - zero) / inverse));
    }

    /** The part of errors that the norm leaves to outliers moves no zero. */
    private float shrunkDistance(float[][] weights, int lane, float zero, double beta) {
        float sum = 0;
        for (float[] row : weights) {
            float weight = row[lane];
            float place = Rounding.half(weight * inverse[lane]);
            float code = Rounding.code(Rounding.half(place + zero), top);
            float left = Rounding.half(weight - shrunk(error(weight, code, zero, inverse[lane]), beta));
            sum += Rounding.half(code - Rounding.half(left * inverse[lane]));
        }
        return sum;
    }

    private static float shrunk(float error, double beta) {
        float magnitude = Math.abs(error);
        float power = Rounding.half((float) Math.pow(magnitude, HqqSchedule.NORM - 1));
        float cost = Rounding.half(power * (float) (1 / beta));
        return Math.copySign(Math.max(Rounding.half(magnitude - cost), 0), error);
    }
}
