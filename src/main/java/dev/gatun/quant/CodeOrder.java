package dev.gatun.quant;

import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * The order of the codes in a tile, made of HQQ's order and back. Both hold the same bits: which one lies where is a matter of
 * exchanging bits of a code's address. Numbering 64-bit words and the bits in them, an address is (bits of the word's number,
 * bits of the place in the word), and a delta swap of all pairs of words exchanges one of the former with one of the latter.
 *
 * <p>In HQQ's order a tile is rows of 16 words (4 rows with four 2-bit codes in a byte, 32 with two 4-bit codes). With the
 * column 16p + 8m' + 4m + 2j + h (and 64d for 4 bits, p having a bit less), s the code's place in its byte, q the row, and
 * the bits of each counted from 0, addresses from the highest bit are
 *
 * <pre>
 *   2 bits   HQQ    q1 q0 p2 p1 p0 m'             m j h s1 s0 .
 *            tile   !s0 q1 q0 m' m j              !s1 h p2 p1 p0 .
 *   4 bits   HQQ    q4 q3 q2 q1 q0 d p1 p0 m'     m j h s . .
 *            tile   !s q4 d q2 q1 q0 m' m j       q3 h p1 p0 . .
 * </pre>
 */
final class CodeOrder {
    private static final CodeOrder TWO_BITS =
            new CodeOrder(64, 32, new int[][] {{2, 2}, {4, 4}, {8, 8}, {8, 16}, {4, 32}}, CodeOrder::placeOfTwoBits);
    private static final CodeOrder FOUR_BITS =
            new CodeOrder(512, 0, new int[][] {{2, 4}, {4, 8}, {4, 16}, {128, 32}}, CodeOrder::placeOfFourBits);

    private final int words;
    private final int rotation;
    /** Stride and shift of each. */
    private final int[][] exchanges;
    /** Where a word goes that all exchanges have passed. */
    private final int[] places;

    private CodeOrder(int words, int rotation, int[][] exchanges, IntUnaryOperator place) {
        this.words = words;
        this.rotation = rotation;
        this.exchanges = exchanges;
        this.places = IntStream.range(0, words).map(place).toArray();
    }

    /** Behind the exchanges a word's number is q1 q0 j m s0 m'. */
    private static int placeOfTwoBits(int word) {
        return bit(~word, 1) << 5 | bit(word, 5) << 4 | bit(word, 4) << 3 | lane(word, 0, 2, 3);
    }

    /** Behind the exchanges a word's number is q4 m q2 q1 q0 d j s m'. */
    private static int placeOfFourBits(int word) {
        int rows = word >>> 4 & 7;
        return bit(~word, 1) << 8 | bit(word, 8) << 7 | bit(word, 3) << 6 | rows << 3 | lane(word, 0, 7, 2);
    }

    private static int lane(int word, int upper, int middle, int lower) {
        return bit(word, upper) << 2 | bit(word, middle) << 1 | bit(word, lower);
    }

    private static int bit(int word, int at) {
        return word >>> at & 1;
    }

    static CodeOrder of(TileFormat format) {
        return format == TileFormat.Q4 ? FOUR_BITS : TWO_BITS;
    }

    /** Words of a tile's codes. */
    int words() {
        return words;
    }

    /** Puts HQQ's words into the tile's order; overwrites both arrays. */
    void toTile(long[] hqq, long[] tile) {
        for (int[] exchange : exchanges) {
            exchange(hqq, exchange[0], exchange[1]);
        }
        for (int i = 0; i < words; i++) {
            tile[places[i]] = Long.rotateLeft(hqq[i], rotation);
        }
    }

    /** Undoes {@link #toTile}; overwrites both arrays. */
    void fromTile(long[] tile, long[] hqq) {
        for (int i = 0; i < words; i++) {
            hqq[i] = Long.rotateLeft(tile[places[i]], rotation);
        }
        for (int i = exchanges.length - 1; i >= 0; i--) {
            exchange(hqq, exchanges[i][0], exchanges[i][1]);
        }
    }

    /** Exchanges a bit of the word's number with a bit of the place in the word; its own inverse. */
    private static void exchange(long[] words, int stride, int shift) {
        // The lower `shift` bits of every 2 * shift.
        long mask = Long.divideUnsigned(-1L, (1L << shift) + 1);
        for (int block = 0; block < words.length; block += 2 * stride) {
            for (int i = block; i < block + stride; i++) {
                long moved = (words[i] >>> shift ^ words[i + stride]) & mask;
                words[i] ^= moved << shift;
                words[i + stride] ^= moved;
            }
        }
    }
}
