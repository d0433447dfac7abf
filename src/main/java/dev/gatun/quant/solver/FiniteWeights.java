package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;

/** Refuses weights that are no numbers, and those that solvers cannot hold. */
public final class FiniteWeights {
    /**
     * The largest magnitude that every solver takes, far beyond what training leaves; {@code LARGEST_WEIGHT} in
     * {@code kernels/quantize.cuh}. HQQ decides it, which computes in binary16: that ends at 65504, and 2<sup>-14</sup> is
     * the smallest number that has all its digits. The range of a group is at most 2<sup>14</sup> then, so that the inverse
     * of its scale keeps its digits; and zeros move no further than the codes reach from where they began, so that
     * no code stands for more than 3 &middot; 2<sup>13</sup> and no error is above 2<sup>15</sup>. Least squares computes in
     * float32, whose squares overflow much later.
     */
    static final float LARGEST = 0x1p13f;

    private FiniteWeights() {}

    /**
     * Looks at every weight of a matrix that is copied as it is.
     *
     * @param name the tensor's, for the message
     * @throws QuantizationException if one is a NaN or an infinity
     */
    public static void require(String name, DenseMatrix weights) {
        require(name, weights, Float.MAX_VALUE);
    }

    /**
     * Looks at every weight of a matrix that is to be quantized.
     *
     * @param name the tensor's, for the message
     * @throws QuantizationException if one is a NaN, an infinity or above 8192 in magnitude
     */
    public static void requireQuantizable(String name, DenseMatrix weights) {
        require(name, weights, LARGEST);
    }

    private static void require(String name, DenseMatrix weights, float largest) {
        float[] values = new float[weights.columns()];
        for (int row = 0; row < weights.rows(); row++) {
            Dequantizer.row(weights, row, values, 0);
            requireRow(name, row, values, largest);
        }
    }

    /** Looks at a row that is to be quantized. */
    static void requireQuantizable(String name, int row, float[] values) {
        requireRow(name, row, values, LARGEST);
    }

    private static void requireRow(String name, int row, float[] values, float largest) {
        for (int column = 0; column < values.length; column++) {
            float value = values[column];
            // A NaN is not below anything.
            if (!(Math.abs(value) <= largest)) {
                throw new QuantizationException(
                        "`" + name + "` has " + value + " at row " + row + ", column " + column + reason(value));
            }
        }
    }

    private static String reason(float value) {
        return Float.isFinite(value)
                ? "; magnitudes above " + (int) LARGEST + " cannot be quantized: leave this part of the model as it is"
                : ", which cannot be quantized; download the file again";
    }
}
