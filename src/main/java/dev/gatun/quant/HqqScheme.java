package dev.gatun.quant;

/**
 * How HQQ (Half-Quadratic Quantization, Badri and Shaji, 2023) with 8-bit scales and zeros lays a matrix out.
 *
 * <p>For a matrix of N rows and K columns, groups run down the rows (axis 0): with G = N / groupSize, weight (n, k)
 * belongs to group s = (n mod G) &middot; K + k, and W = (code &minus; zero[s]) &middot; scale[s]. Each byte packs
 * 8 / bits codes: the highest field of byte p is weight p of the row-major order, the next one weight p + N&middot;K&middot;bits/8,
 * and so on, so that the fields of one byte share their group. Of 3 bits, which HQQ packs otherwise, {@link CodePlane} tells.
 *
 * @param bits bits of a code: 2, 3, 4 or 8
 * @param groupSize rows that share one scale and zero; a multiple of the codes in a byte, of 8 for codes of 3 bits
 * @param scaleGroup groups that share one second-level scale and zero of the scales
 */
public record HqqScheme(int bits, int groupSize, int scaleGroup) implements QuantizationScheme {
    public HqqScheme {
        Shapes.requireGroups(bits, groupSize);
        if (scaleGroup <= 0) {
            throw new IllegalArgumentException("scale groups of " + scaleGroup + ": must be positive");
        }
    }

    /** Whether a matrix of this shape divides into whole groups and whole scale groups. */
    @Override
    public boolean divides(int rows, int columns) {
        return rows % groupSize == 0 && ((long) rows / groupSize * columns) % scaleGroup == 0;
    }
}
