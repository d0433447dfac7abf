package dev.gatun.quant;

/**
 * The product of tiles and a few tokens with the roundings of the GPU's kernels: kernels/q2_stream.cuh rounds each column's scale
 * times input to binary16, after a power of two was taken out of each token. All else is in float64.
 */
public final class HalvesProduct {
    private final TileReader tiles;
    private final TileShape shape;

    private HalvesProduct(TileReader tiles) {
        this.tiles = tiles;
        this.shape = tiles.shape();
    }

    /** y[t][row] for x [t][column]. */
    public static double[] multiply(TileReader tiles, double[] x) {
        return new HalvesProduct(tiles).multiply(x);
    }

    private double[] multiply(double[] x) {
        int tokens = x.length / shape.columns();
        double[] y = new double[tokens * shape.rows()];
        for (int t = 0; t < tokens; t++) {
            double power = Math.scalb(1.0, exponent(x, t));
            for (int group = 0; group < shape.groupRows(); group++) {
                for (int column = 0; column < shape.columns(); column++) {
                    double value = scaled(group, column, x[t * shape.columns() + column], power) / power;
                    for (int row = group; row < shape.rows(); row += shape.groupRows()) {
                        y[t * shape.rows() + row] += (tiles.code(row, column) - tiles.zero(group, column)) * value;
                    }
                }
            }
        }
        return y;
    }

    /** Of the power that takes what becomes of a token's inputs below 1/2, or narrow inputs below 256. */
    private int exponent(double[] x, int token) {
        double largest = Double.MIN_NORMAL;
        for (int column = 0; column < shape.columns(); column++) {
            double input = Math.abs(x[token * shape.columns() + column]);
            for (int group = 0; !isNarrow() && group < shape.groupRows(); group++) {
                double times = Math.abs(tiles.second(group, column, 0)) * input;
                largest = Math.max(largest, times * Math.max(256, Math.abs(tiles.second(group, column, 1))));
            }
            largest = isNarrow() ? Math.max(largest, input) : largest;
        }
        return (isNarrow() ? 7 : -2) - Math.getExponent(largest);
    }

    private double scaled(int group, int column, double x, double power) {
        double scale = tiles.second(group, column, 0);
        double zero = tiles.second(group, column, 1);
        int code = tiles.scaleCode(group, column);
        if (isNarrow()) {
            return half(half(code * scale + half(-scale * zero)) * half(x * power));
        }
        double product = scale * x * power;
        return half(code * 0x1p-24 * half(product * 0x1p24) + half(-zero * product));
    }

    private boolean isNarrow() {
        return shape.format() == TileFormat.Q2N;
    }

    private static double half(double value) {
        return Float.float16ToFloat(Float.floatToFloat16((float) value));
    }
}
