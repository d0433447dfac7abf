package dev.gatun.quant.solver;

import java.util.Arrays;

/** The steps of HQQ for the groups of a block. One object serves one thread. */
final class HqqRounds {
    private static final int LANES = Grid.LANES;
    private static final float LARGEST_INVERSE = 2e4f;

    private final float top;
    private final double beta;
    private final float shrinksToZero;

    private final float[] inverse = new float[LANES];
    private final float[] errors = new float[LANES];
    private final float[] largest = new float[LANES];
    private final float[] distances = new float[LANES];

    HqqRounds(int top, double beta) {
        this.top = top;
        this.beta = beta;
        this.shrinksToZero = HqqSchedule.shrinksToZero(beta);
    }

    /** The scale and zero of the range of each group; whole zeros for 4 bits. */
    static void begin(float[][] weights, int top, float[] scales, float[] zeros) {
        for (int i = 0; i < LANES; i++) {
            float low = Float.POSITIVE_INFINITY;
            float high = Float.NEGATIVE_INFINITY;
            for (float[] row : weights) {
                low = Math.min(low, row[i]);
                high = Math.max(high, row[i]);
            }
            float inverse = Math.min(top / (high - low), LARGEST_INVERSE);
            scales[i] = 1 / inverse;
            float zero = -low * inverse;
            zeros[i] = top == 15 ? (float) Math.rint(zero) : zero;
        }
    }

    /**
     * Moves the zeros of a block by one round.
     *
     * @param width columns that count
     * @return the sum of the magnitudes of the errors with the zeros before
     */
    double improve(float[][] weights, int width, float[] scales, float[] zeros) {
        Arrays.fill(errors, 0);
        Arrays.fill(largest, 0);
        Arrays.fill(distances, 0);
        for (int i = 0; i < LANES; i++) {
            inverse[i] = 1 / scales[i];
        }
        for (float[] row : weights) {
            addErrors(row, scales, zeros);
            addDistances(row, zeros);
        }
        for (int i = 0; i < LANES; i++) {
            if (largest[i] > shrinksToZero) {
                addShrunkErrors(weights, i, scales[i], zeros[i]);
            }
        }
        double sum = 0;
        for (int i = 0; i < width; i++) {
            sum += errors[i];
        }
        for (int i = 0; i < LANES; i++) {
            zeros[i] = distances[i] / weights.length;
        }
        return sum;
    }

    private void addErrors(float[] row, float[] scales, float[] zeros) {
        for (int i = 0; i < LANES; i++) {
            float code = Rounding.code(row[i] * inverse[i] + zeros[i], top);
            float error = Math.abs(row[i] - (code - zeros[i]) * scales[i]);
            errors[i] += error;
            largest[i] = Math.max(largest[i], error);
        }
    }

    /** The zeros that would make no error, summed. */
    private void addDistances(float[] row, float[] zeros) {
        for (int i = 0; i < LANES; i++) {
            distances[i] += Rounding.code(row[i] * inverse[i] + zeros[i], top) - row[i] * inverse[i];
        }
    }

    /** The part of errors that the norm leaves to outliers moves no zero. */
    private void addShrunkErrors(float[][] weights, int lane, float scale, float zero) {
        for (float[] row : weights) {
            float code = Rounding.code(row[lane] * inverse[lane] + zero, top);
            float error = row[lane] - (code - zero) * scale;
            double magnitude = Math.abs(error);
            double shrunk = Math.max(magnitude - Math.pow(magnitude, HqqSchedule.NORM - 1) / beta, 0);
            distances[lane] += (float) (Math.copySign(shrunk, error) * inverse[lane]);
        }
    }
}
