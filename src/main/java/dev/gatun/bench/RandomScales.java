package dev.gatun.bench;

/**
 * The second level that makes weights of random bytes: any code, any scale code and any zero code, all alike. Zeros spread
 * over the codes from the first to the last, so weights are centred; scales are positive, the largest five times the
 * smallest; and weights have a deviation of 1 / sqrt(columns), so that a product keeps the magnitude of its input.
 *
 * <p>scale = (scale code &minus; scaleZero) &middot; scaleScale, zero = zero code &middot; zeroScale
 *
 * @param scaleZero zero of the scales
 * @param scaleScale scale of the scales
 * @param zeroScale scale of the zeros
 */
record RandomScales(double scaleZero, double scaleScale, double zeroScale) {
    private static final int SMALLEST = 4;

    /**
     * For matrices of so many columns.
     *
     * @param bits bits of a weight's code
     * @param metaBits bits of scale and zero codes
     */
    static RandomScales of(int bits, int metaBits, int columns) {
        double last = (1 << bits) - 1;
        double lastMeta = (1 << metaBits) - 1;
        double scaleZero = -lastMeta / SMALLEST;
        double zeroScale = last / lastMeta;
        double distance = variance(last, 1) + variance(lastMeta, zeroScale);
        double meanScale = lastMeta / 2 - scaleZero;
        double scales = meanScale * meanScale + variance(lastMeta, 1);
        return new RandomScales(scaleZero, 1 / Math.sqrt(distance * scales * columns), zeroScale);
    }

    /** Of the numbers 0, step, 2 step, ... last step. */
    private static double variance(double last, double step) {
        return last * (last + 2) / 12 * step * step;
    }
}
