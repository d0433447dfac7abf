package dev.gatun.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;

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
 *
 * <p>Several tiles are done side by side: an array holds the first word of each, then the second word of each, and so on.
 * All words of one number are treated alike, which the compiler makes vector instructions of.
 */
final class CodeOrder {
    /** Words of the tiles that are done at once: 8 KiB, which stay in a first-level cache. */
    private static final int WORDS = 1024;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int TWO_BITS_SIDE = WORDS / 64;
    private static final int FOUR_BITS_SIDE = WORDS / 512;

    private static final CodeOrder TWO_BITS = new CodeOrder(
            TWO_BITS_SIDE, 32, CodeOrder::exchangeTwoBits, CodeOrder::exchangeTwoBitsBack, CodeOrder::placeOfTwoBits);
    private static final CodeOrder FOUR_BITS = new CodeOrder(
            FOUR_BITS_SIDE,
            0,
            CodeOrder::exchangeFourBits,
            CodeOrder::exchangeFourBitsBack,
            CodeOrder::placeOfFourBits);

    private final int side;
    private final int rotation;
    private final Consumer<long[]> exchanges;
    private final Consumer<long[]> exchangesBack;
    /** Where in the array the first tile's words lie, in a tile's order, when all exchanges have passed. */
    private final int[] sources;

    private CodeOrder(
            int side,
            int rotation,
            Consumer<long[]> exchanges,
            Consumer<long[]> exchangesBack,
            IntUnaryOperator place) {
        this.side = side;
        this.rotation = rotation;
        this.exchanges = exchanges;
        this.exchangesBack = exchangesBack;
        this.sources = new int[WORDS / side];
        for (int word = 0; word < sources.length; word++) {
            sources[place.applyAsInt(word)] = word * side;
        }
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
        return sources.length;
    }

    /** How many tiles are done at once. */
    int side() {
        return side;
    }

    /** Room for the words of so many tiles: word i of tile t is element {@code i * side + t}. */
    long[] newWords() {
        return new long[WORDS];
    }

    /**
     * Puts HQQ's words of {@code count} tiles into the tiles' order; overwrites the array.
     *
     * @param target where the first tile's codes begin at {@code at}, and each next one {@code stride} bytes further
     */
    void toTiles(long[] hqq, int count, MemorySegment target, long at, long stride) {
        exchanges.accept(hqq);
        for (int tile = 0; tile < count; tile++) {
            long codes = at + tile * stride;
            for (int i = 0; i < sources.length; i++) {
                long word = Long.rotateLeft(hqq[sources[i] + tile], rotation);
                target.set(LONG, codes + (long) i * Long.BYTES, word);
            }
        }
    }

    /** Undoes {@link #toTiles}: fills the array. */
    void fromTiles(MemorySegment source, int count, long at, long stride, long[] hqq) {
        for (int tile = 0; tile < count; tile++) {
            long codes = at + tile * stride;
            for (int i = 0; i < sources.length; i++) {
                long word = source.get(LONG, codes + (long) i * Long.BYTES);
                hqq[sources[i] + tile] = Long.rotateLeft(word, rotation);
            }
        }
        exchangesBack.accept(hqq);
    }

    // With strides that are constants once this is inlined, the compiler sees that the two halves of a block are apart.

    private static void exchangeTwoBits(long[] words) {
        exchange(words, 2 * TWO_BITS_SIDE, 2);
        exchange(words, 4 * TWO_BITS_SIDE, 4);
        exchange(words, 8 * TWO_BITS_SIDE, 8);
        exchange(words, 8 * TWO_BITS_SIDE, 16);
        exchange(words, 4 * TWO_BITS_SIDE, 32);
    }

    private static void exchangeTwoBitsBack(long[] words) {
        exchange(words, 4 * TWO_BITS_SIDE, 32);
        exchange(words, 8 * TWO_BITS_SIDE, 16);
        exchange(words, 8 * TWO_BITS_SIDE, 8);
        exchange(words, 4 * TWO_BITS_SIDE, 4);
        exchange(words, 2 * TWO_BITS_SIDE, 2);
    }

    private static void exchangeFourBits(long[] words) {
        exchange(words, 2 * FOUR_BITS_SIDE, 4);
        exchange(words, 4 * FOUR_BITS_SIDE, 8);
        exchange(words, 4 * FOUR_BITS_SIDE, 16);
        exchange(words, 128 * FOUR_BITS_SIDE, 32);
    }

    private static void exchangeFourBitsBack(long[] words) {
        exchange(words, 128 * FOUR_BITS_SIDE, 32);
        exchange(words, 4 * FOUR_BITS_SIDE, 16);
        exchange(words, 4 * FOUR_BITS_SIDE, 8);
        exchange(words, 2 * FOUR_BITS_SIDE, 4);
    }

    /** Exchanges a bit of the word's number with a bit of the place in the word; its own inverse. */
    private static void exchange(long[] words, int stride, int shift) {
        // The lower `shift` bits of every 2 * shift.
        long mask = Long.divideUnsigned(-1L, (1L << shift) + 1);
        for (int block = 0; block < WORDS; block += 2 * stride) {
            for (int i = block; i < block + stride; i++) {
                long moved = (words[i] >>> shift ^ words[i + stride]) & mask;
                words[i] ^= moved << shift;
                words[i + stride] ^= moved;
            }
        }
    }
}
