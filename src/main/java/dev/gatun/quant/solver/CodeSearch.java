package dev.gatun.quant.solver;

/**
 * How far to look for the codes of a group's scale and zero, once the second level is there.
 *
 * @param scales scale codes to try on either side of the nearest
 * @param zeros zero codes to try on either side of the nearest
 * @param rounds how often the zero is fitted to a scale before its code is looked for
 */
public record CodeSearch(int scales, int zeros, int rounds) {
    /** The nearest codes of scales and zeros, and for those the nearest codes of weights. */
    public static final CodeSearch NEAREST = new CodeSearch(0, 0, 0);

    /** What least squares are worth: beyond this the error falls by a thousandth, and perplexity not at all. */
    public static final CodeSearch NEARBY = new CodeSearch(2, 1, 2);
}
