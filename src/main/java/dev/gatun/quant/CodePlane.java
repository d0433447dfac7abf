package dev.gatun.quant;

import java.util.List;

/**
 * Some bits of every code of a matrix, packed together: byte p packs those of 8 / bits codes, the highest bits first, of the
 * row-major weights p, p + N &middot; K &middot; bits / 8, and so on. Codes of 2, 4 and 8 bits are one plane. Codes of 3 bits
 * are two, one behind the other: the lower two bits, and the highest one.
 *
 * @param bits of each code, which divide a byte
 * @param shift which of its bits: the lowest of them
 */
public record CodePlane(int bits, int shift) {
    private static final List<CodePlane> THREE_BITS = List.of(new CodePlane(2, 0), new CodePlane(1, 2));

    /** The planes of codes of so many bits: 2, 3, 4 or 8. */
    static List<CodePlane> of(int bits) {
        return bits == 3 ? THREE_BITS : List.of(new CodePlane(bits, 0));
    }

    /** Codes of which a byte packs bits. */
    public int fields() {
        return 8 / bits;
    }

    /** Where it begins in the packed codes of so many weights. */
    public long offset(long weights) {
        return weights * shift / 8;
    }

    /** Its bits of a code. */
    public int part(int code) {
        return code >>> shift & (1 << bits) - 1;
    }
}
