package dev.gatun.quant.solver;

import java.util.Arrays;

/**
 * Chooses the codes of the groups of a block when the second level is there: a scale code and a zero code for each group, and
 * the nearest code for each weight. A second level of few codes moves scales and zeros far, so scale codes near the nearest
 * are tried, each with the zero that suits it then, and what leaves the least squared error is kept.
 *
 * <p>One object serves one thread; its arrays hold the choice until the next.
 */
final class CodeChoice {
    private final int size;
    private final int lanes;
    private final float top;
    private final CodeSearch search;

    private final float[][] codes;
    private final float[] scaleCodes;
    private final float[] zeroCodes;

    private final float[][] scaled;
    private final float[] nearestScale;
    private final float[] scaleCode;
    private final float[] scale;
    private final float[] inverse;
    private final float[] zero;
    private final float[] nearestZero;
    private final float[] zeroCode;
    private final float[] error;
    private final float[] leastError;

    /** For so many groups of so many rows, and codes from 0 to {@code top}. */
    CodeChoice(int size, int lanes, int top, CodeSearch search) {
        this.size = size;
        this.lanes = lanes;
        this.top = top;
        this.search = search;
        this.codes = new float[size][lanes];
        this.scaleCodes = new float[lanes];
        this.zeroCodes = new float[lanes];
        this.scaled = new float[size][lanes];
        this.nearestScale = new float[lanes];
        this.scaleCode = new float[lanes];
        this.scale = new float[lanes];
        this.inverse = new float[lanes];
        this.zero = new float[lanes];
        this.nearestZero = new float[lanes];
        this.zeroCode = new float[lanes];
        this.error = new float[lanes];
        this.leastError = new float[lanes];
    }

    /** The codes of the weights, [size][lanes]. */
    float[][] codes() {
        return codes;
    }

    int scaleCode(int lane) {
        return (int) scaleCodes[lane];
    }

    int zeroCode(int lane) {
        return (int) zeroCodes[lane];
    }

    /**
     * Chooses.
     *
     * @param weights [size][lanes]
     * @param scales what the solver found
     * @param zeros what the solver found
     * @param level the second level
     * @param levelTop the largest code of a scale or zero
     */
    void choose(float[][] weights, float[] scales, float[] zeros, LevelLanes level, int levelTop) {
        Arrays.fill(scaleCodes, 0);
        Arrays.fill(zeroCodes, 0);
        Arrays.fill(leastError, Float.POSITIVE_INFINITY);
        nearest(scales, level.scaleSteps, level.scaleZeros, levelTop, nearestScale);
        for (int step = -search.scales(); step <= search.scales(); step++) {
            takeScales(step, level, levelTop);
            scaleWeights(weights);
            System.arraycopy(zeros, 0, zero, 0, lanes);
            for (int round = 0; round < search.rounds(); round++) {
                fitZeros();
            }
            nearest(zero, level.zeroSteps, level.zeroZeros, levelTop, nearestZero);
            for (int zeroStep = -search.zeros(); zeroStep <= search.zeros(); zeroStep++) {
                takeZeros(zeroStep, level, levelTop);
                keepBest();
            }
        }
        takeBest(level);
        for (int row = 0; row < size; row++) {
            round(weights[row], top, inverse, zero, codes[row]);
        }
    }

    private static void nearest(float[] values, float[] steps, float[] zeros, float levelTop, float[] target) {
        for (int i = 0; i < values.length; i++) {
            target[i] = Rounding.code(values[i] / steps[i] + zeros[i], levelTop);
        }
    }

    private void takeScales(int step, LevelLanes level, float levelTop) {
        for (int i = 0; i < lanes; i++) {
            scaleCode[i] = Math.min(Math.max(nearestScale[i] + step, 0), levelTop);
            scale[i] = (scaleCode[i] - level.scaleZeros[i]) * level.scaleSteps[i];
            inverse[i] = inverse(scale[i]);
        }
    }

    /** Of no scale, 0: then all weights look like 0, which is what they become. */
    private static float inverse(float scale) {
        return scale > Float.MIN_NORMAL ? 1 / scale : 0;
    }

    private void scaleWeights(float[][] weights) {
        for (int row = 0; row < size; row++) {
            multiply(weights[row], inverse, scaled[row]);
        }
    }

    private static void multiply(float[] values, float[] factors, float[] products) {
        for (int i = 0; i < values.length; i++) {
            products[i] = values[i] * factors[i];
        }
    }

    private void fitZeros() {
        Arrays.fill(error, 0);
        for (float[] row : scaled) {
            addDistances(row, top, zero, error);
        }
        for (int i = 0; i < lanes; i++) {
            zero[i] = error[i] / size;
        }
    }

    private static void addDistances(float[] row, float top, float[] zero, float[] sums) {
        for (int i = 0; i < row.length; i++) {
            sums[i] += Rounding.code(row[i] + zero[i], top) - row[i];
        }
    }

    private void takeZeros(int step, LevelLanes level, float levelTop) {
        for (int i = 0; i < lanes; i++) {
            zeroCode[i] = Math.min(Math.max(nearestZero[i] + step, 0), levelTop);
            zero[i] = (zeroCode[i] - level.zeroZeros[i]) * level.zeroSteps[i];
        }
    }

    private void keepBest() {
        Arrays.fill(error, 0);
        for (float[] row : scaled) {
            addErrors(row, top, zero, error);
        }
        for (int i = 0; i < lanes; i++) {
            // Codes below the second level's zero make scales that no weight can use: only where there is no other.
            float squared = scale[i] > Float.MIN_NORMAL ? error[i] * scale[i] * scale[i] : Float.MAX_VALUE;
            if (squared < leastError[i]) {
                leastError[i] = squared;
                scaleCodes[i] = scaleCode[i];
                zeroCodes[i] = zeroCode[i];
            }
        }
    }

    private static void addErrors(float[] row, float top, float[] zero, float[] sums) {
        for (int i = 0; i < row.length; i++) {
            float place = row[i] + zero[i];
            float difference = Rounding.code(place, top) - place;
            sums[i] += difference * difference;
        }
    }

    private void takeBest(LevelLanes level) {
        for (int i = 0; i < lanes; i++) {
            scale[i] = (scaleCodes[i] - level.scaleZeros[i]) * level.scaleSteps[i];
            inverse[i] = inverse(scale[i]);
            zero[i] = (zeroCodes[i] - level.zeroZeros[i]) * level.zeroSteps[i];
        }
    }

    private static void round(float[] row, float top, float[] inverse, float[] zero, float[] target) {
        for (int i = 0; i < row.length; i++) {
            target[i] = Rounding.code(row[i] * inverse[i] + zero[i], top);
        }
    }
}
