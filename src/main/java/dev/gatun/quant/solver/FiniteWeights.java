package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;

/** Refuses weights that are no numbers. */
public final class FiniteWeights {
    private FiniteWeights() {}

    /**
     * Looks at every weight of a matrix that is copied as it is.
     *
     * @param name the tensor's, for the message
     * @throws QuantizationException if one is a NaN or an infinity
     */
    public static void require(String name, DenseMatrix weights) {
        float[] values = new float[weights.columns()];
        for (int row = 0; row < weights.rows(); row++) {
            Dequantizer.row(weights, row, values, 0);
            requireRow(name, row, values);
        }
    }

    static void requireRow(String name, int row, float[] values) {
        for (int column = 0; column < values.length; column++) {
            if (!Float.isFinite(values[column])) {
                throw new QuantizationException("`" + name + "` has " + values[column] + " at row " + row + ", column "
                        + column + ", which cannot be quantized; download the file again");
            }
        }
    }
}
