package dev.gatun.quant.solver;

import dev.gatun.quant.HqqScheme;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The second level as the original library makes it: codes are rounded with the float32 line over a range, of which binary16
 * is stored.
 *
 * @param scaleLines line i is that of the groups s with s mod their number = i
 * @param zeroLine that of all zeros
 */
record HqqSecondLevel(List<Line> scaleLines, Line zeroLine) {
    private static final int TOP = 255;

    static HqqSecondLevel of(GroupFits fits, HqqScheme scheme) {
        float[] scales = fits.scales();
        int lines = fits.grid().groups() / scheme.scaleGroup();
        return new HqqSecondLevel(
                IntStream.range(0, lines)
                        .mapToObj(i -> Line.over(Range.of(scales, i, scales.length, lines)))
                        .toList(),
                Line.over(Range.of(fits.zeros(), 0, fits.zeros().length, 1)));
    }

    /**
     * A line: code = value &middot; inverse + zero.
     *
     * @param stored what it is when it is read again
     */
    record Line(float inverse, float zero, Affine stored) {
        static Line over(Range range) {
            float inverse = 1 / (range.high() - range.low()) * TOP;
            float zero = -range.low() * inverse;
            if (inverse > HqqRounds.LARGEST_INVERSE || Math.abs(zero) > Affine.LARGEST) {
                // The original limits the inverse, so that codes are left unused, or stores an infinity.
                Affine affine = range.affine(TOP);
                return new Line(1 / affine.step(), affine.zero(), affine);
            }
            return new Line(inverse, zero, new Affine(Rounding.half(1 / inverse), Rounding.half(zero)));
        }

        int code(float value) {
            return (int) Rounding.code(value * inverse + zero, TOP);
        }
    }

    /** As they are stored. */
    Affine[] scales() {
        return scaleLines.stream().map(Line::stored).toArray(Affine[]::new);
    }

    /** As it is stored. */
    Affine zeros() {
        return zeroLine.stored();
    }

    int scaleCode(int group, float scale) {
        return scaleLines.get(group % scaleLines.size()).code(scale);
    }

    int zeroCode(float zero) {
        return zeroLine.code(zero);
    }
}
