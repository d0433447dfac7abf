package dev.gatun.quantize;

import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.QuantizationException;
import java.util.Optional;

/**
 * What the matrices of a part of a model become.
 *
 * @param scheme how they are quantized; empty if they are copied as they are
 */
public record PartFormat(Optional<QuantizationScheme> scheme) {
    /** Groups that share a second level of scales, where codes have 2 bits, and where they have more. */
    private static final int NARROW_SCALE_GROUP = 128;

    private static final int WIDE_SCALE_GROUP = 256;

    /** Rows of a group that are usual for codes of 2 bits, and of more. */
    private static final int NARROW_GROUP = 16;

    private static final int WIDE_GROUP = 64;

    /** Matrices that stay as they are. */
    public static PartFormat asItIs() {
        return new PartFormat(Optional.empty());
    }

    /** The usual rows of a group for codes of so many bits. */
    public static int usualGroup(int bits) {
        return bits == 2 ? NARROW_GROUP : WIDE_GROUP;
    }

    /**
     * Codes with 8-bit scales and zeros.
     *
     * @param bits 2, 3, 4 or 8
     * @param group rows of a group
     * @throws QuantizationException if there is no such scheme
     */
    public static PartFormat wide(int bits, int group) {
        int scaleGroup = bits == 2 ? NARROW_SCALE_GROUP : WIDE_SCALE_GROUP;
        return of(() -> new HqqScheme(bits, group, scaleGroup));
    }

    /**
     * Codes with 4-bit scales and zeros; those of 2 bits in groups of 16 rows can be tiles.
     *
     * @param bits 2, 3, 4 or 8
     * @param group rows of a group
     * @throws QuantizationException if there is no such scheme
     */
    public static PartFormat narrow(int bits, int group) {
        return of(() -> new NarrowScheme(bits, group));
    }

    /** Makes a scheme. */
    @FunctionalInterface
    private interface Making {
        QuantizationScheme make();
    }

    private static PartFormat of(Making making) {
        try {
            return new PartFormat(Optional.of(making.make()));
        } catch (IllegalArgumentException impossible) {
            throw new QuantizationException(impossible.getMessage());
        }
    }

    /**
     * Checks that a matrix divides.
     *
     * @throws QuantizationException if it does not
     */
    void requireDivides(String name, WeightMatrix matrix) {
        if (scheme.isPresent() && !scheme.get().divides(matrix.rows(), matrix.columns())) {
            throw new QuantizationException("`" + name + "` is a matrix of " + matrix.rows() + " x " + matrix.columns()
                    + ", which " + this + " do not divide; choose other groups or bits");
        }
    }

    @Override
    public String toString() {
        return scheme.map(PartFormat::words).orElse("as it is");
    }

    private static String words(QuantizationScheme scheme) {
        String codes = scheme.bits() + " bits in groups of " + scheme.groupSize();
        return switch (scheme) {
            case HqqScheme hqq -> codes + " with 8-bit scales in groups of " + hqq.scaleGroup();
            case NarrowScheme narrow -> codes + " with 4-bit scales";
        };
    }
}
