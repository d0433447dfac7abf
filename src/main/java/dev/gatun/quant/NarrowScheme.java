package dev.gatun.quant;

/**
 * Gatun's own scheme: HQQ's groups and codes, with a 4-bit scale and a 4-bit zero in one byte for each group. 2 bits in
 * groups of 16 are 2.53 bits a weight; {@link NarrowMatrix} says where each part lies.
 *
 * @param bits bits of a code: 2, 3, 4 or 8
 * @param groupSize rows that share one scale and zero; a multiple of the codes in a byte, of 8 for codes of 3 bits
 */
public record NarrowScheme(int bits, int groupSize) implements QuantizationScheme {
    public NarrowScheme {
        Shapes.requireGroups(bits, groupSize);
    }

    @Override
    public boolean divides(int rows, int columns) {
        return rows % groupSize == 0;
    }
}
