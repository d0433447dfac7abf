package dev.gatun.quant.solver;

import java.util.Arrays;

/**
 * The least squares scale and zero of each group by itself: codes are rounded with a scale and an offset, then the best scale
 * and offset for those codes follow in closed form, and so on. That ends in a local minimum, so it begins from several
 * ranges, and the least error is kept.
 *
 * <p>Groups lie side by side, and each row of them is an array of its own: the compiler makes vector
 * instructions of such loops. One object serves one thread.
 */
final class LeastSquaresFit {
    /** Few are moved by more of them. */
    private static final int ROUNDS = 8;

    /** Parts of max - min where it begins. */
    private static final float[] PARTS = {1, 0.9f, 0.8f, 0.7f};

    /** Where those lie, from the middle of the range, in parts of max - min: 1.5 % less error than in the middle alone. */
    private static final float[] SHIFTS = {0, 0.05f, -0.05f, 0.12f, -0.12f};

    /** Scales are at least this part of a group's largest step: codes that are all alike fit no scale. */
    private static final float SMALLEST = 1e-3f;

    private final int size;
    private final int lanes;
    private final float top;
    private final float[][] centered;
    private final float[] mean;
    private final float[] low;
    private final float[] high;
    private final float[] squares;
    private final float[] smallest;
    private final float[] scale;
    private final float[] inverse;
    private final float[] offset;
    private final float[] codes;
    private final float[] codeSquares;
    private final float[] products;
    private final float[] leastError;

    /** For so many groups of so many rows, and codes from 0 to {@code top}. */
    LeastSquaresFit(int size, int lanes, int top) {
        this.size = size;
        this.lanes = lanes;
        this.top = top;
        this.centered = new float[size][lanes];
        this.mean = new float[lanes];
        this.low = new float[lanes];
        this.high = new float[lanes];
        this.squares = new float[lanes];
        this.smallest = new float[lanes];
        this.scale = new float[lanes];
        this.inverse = new float[lanes];
        this.offset = new float[lanes];
        this.codes = new float[lanes];
        this.codeSquares = new float[lanes];
        this.products = new float[lanes];
        this.leastError = new float[lanes];
    }

    /**
     * Fits w = (code - zero) * scale.
     *
     * @param weights [size][lanes], none above {@link FiniteWeights#LARGEST}
     * @param scales receives a positive scale for each group
     * @param zeros receives its zero, from -top to 2 top
     */
    void fit(float[][] weights, float[] scales, float[] zeros) {
        center(weights);
        // Weights beyond the bound fit nothing, not what another block left here.
        Arrays.fill(scales, 0);
        Arrays.fill(zeros, 0);
        Arrays.fill(leastError, Float.POSITIVE_INFINITY);
        for (float part : PARTS) {
            for (float shift : SHIFTS) {
                begin(part, shift);
                for (int round = 0; round < ROUNDS; round++) {
                    sum();
                    solve();
                }
                keepBest(scales, zeros);
            }
        }
        limit(scales, zeros);
    }

    private void center(float[][] weights) {
        Arrays.fill(mean, 0);
        Arrays.fill(squares, 0);
        Arrays.fill(low, 0);
        Arrays.fill(high, 0);
        for (float[] row : weights) {
            for (int i = 0; i < lanes; i++) {
                mean[i] += row[i] / size;
            }
        }
        for (int row = 0; row < size; row++) {
            center(weights[row], centered[row]);
        }
        for (int i = 0; i < lanes; i++) {
            // Of equal weights, the mean tells the magnitude.
            float step = Math.max((high[i] - low[i]) / top, Math.abs(mean[i]) / 16);
            smallest[i] = Math.max(step * SMALLEST, Float.MIN_NORMAL);
        }
    }

    private void center(float[] weights, float[] target) {
        for (int i = 0; i < lanes; i++) {
            float value = weights[i] - mean[i];
            target[i] = value;
            squares[i] += value * value;
            low[i] = Math.min(low[i], value);
            high[i] = Math.max(high[i], value);
        }
    }

    private void begin(float part, float shift) {
        for (int i = 0; i < lanes; i++) {
            float range = high[i] - low[i];
            float middle = (high[i] + low[i]) / 2 + shift * range;
            scale[i] = Math.max(part * range / top, smallest[i]);
            inverse[i] = 1 / scale[i];
            offset[i] = (part * range / 2 - middle) * inverse[i];
        }
    }

    /** The sums over the rows that the closed form needs, with the codes of the present scale and offset. */
    private void sum() {
        Arrays.fill(codes, 0);
        Arrays.fill(codeSquares, 0);
        Arrays.fill(products, 0);
        for (float[] row : centered) {
            add(row, top, inverse, offset, codes, codeSquares, products);
        }
    }

    private static void add(
            float[] row,
            float top,
            float[] inverse,
            float[] offset,
            float[] codes,
            float[] codeSquares,
            float[] products) {
        for (int i = 0; i < row.length; i++) {
            float code = Rounding.code(row[i] * inverse[i] + offset[i], top);
            codes[i] += code;
            codeSquares[i] += code * code;
            products[i] += code * row[i];
        }
    }

    private void solve() {
        for (int i = 0; i < lanes; i++) {
            float spread = Math.max(size * codeSquares[i] - codes[i] * codes[i], 0.5f);
            scale[i] = Math.max(size * products[i] / spread, smallest[i]);
            inverse[i] = 1 / scale[i];
            offset[i] = codes[i] / size;
        }
    }

    /**
     * Keeps zeros within reach of a second level: weights that are all far from 0 compared with their range get a larger
     * scale instead.
     */
    private void limit(float[] scales, float[] zeros) {
        for (int i = 0; i < lanes; i++) {
            float limited = Math.min(Math.max(zeros[i], -top), 2 * top);
            if (limited != zeros[i]) {
                float largest = Math.max(Math.abs(mean[i] + low[i]), Math.abs(mean[i] + high[i]));
                scales[i] = Math.max(largest / (2 * top), Float.MIN_NORMAL);
                zeros[i] = limited;
            }
        }
    }

    private void keepBest(float[] scales, float[] zeros) {
        for (int i = 0; i < lanes; i++) {
            float spread = codeSquares[i] - codes[i] * codes[i] / size;
            float error = squares[i] - scale[i] * (2 * products[i] - scale[i] * spread);
            if (error < leastError[i]) {
                leastError[i] = error;
                scales[i] = scale[i];
                zeros[i] = offset[i] - mean[i] * inverse[i];
            }
        }
    }
}
