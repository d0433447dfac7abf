package dev.gatun.cpu;

import java.math.BigInteger;
import java.util.stream.Stream;

/**
 * The shape of an expert as a block of tiles: w1 (gate) and w3 (up) [intermediate, hidden], then w2 (down) [hidden,
 * intermediate], the bytes that are also copied to a GPU.
 *
 * @param format of all three matrices
 * @param hidden values of a token's input and output, a multiple of 16, at most 2^24
 * @param intermediate values between gate and down, the same
 * @param widePairs second-level pairs of w1, and as many of w3; 0 for {@link CpuTileFormat#Q2N}
 * @param downPairs second-level pairs of w2, a multiple of the intermediate values; 0 for {@link CpuTileFormat#Q2N}
 * @param downOrder of w2's columns: {@link CpuColumnOrder#SLICES} for {@link CpuTileFormat#Q2}; for {@link CpuTileFormat#Q2N}
 *     {@link CpuColumnOrder#NATURAL} or, if the intermediate values are a multiple of 256, {@link CpuColumnOrder#SIXTEENS}
 */
public record TiledExpertShape(
        CpuTileFormat format, int hidden, int intermediate, int widePairs, int downPairs, CpuColumnOrder downOrder) {
    /** What a block's address is a multiple of. */
    public static final int ALIGNMENT = 64;

    private static final int GROUP = 16;
    private static final int SLICES_OF_PAIR = 16;
    private static final int MOST = 1 << 24;
    private static final int BLOCK_COLUMNS = 1024;

    /** Of a block of columns: a scale and an offset for each. */
    private static final long PORTABLE_PAIR_BLOCK = BLOCK_COLUMNS * 2 * Float.BYTES;

    /** The same where there are vectors: a step and a centre of 16 bits for each, and a line for their unit. */
    private static final long PAIR_BLOCK = BLOCK_COLUMNS * 2 * Short.BYTES + ALIGNMENT;

    /** Of w2 besides, where there are vectors: how far the scales of each column reach. */
    private static final long REACH_BLOCK = BLOCK_COLUMNS * Float.BYTES;

    public TiledExpertShape {
        requireSize("hidden", hidden);
        requireSize("intermediate", intermediate);
        long groups = (long) hidden * intermediate / GROUP;
        Arguments.requireAtMost("the groups of a matrix", groups, "the most that are numbered", Integer.MAX_VALUE);
        requirePairs("widePairs", format, widePairs, groups);
        requirePairs("downPairs", format, downPairs, groups);
        Arguments.requireMultiple("downPairs", downPairs, "the intermediate values", intermediate);
        requireOrder(format, intermediate, downOrder);
    }

    private static void requireOrder(CpuTileFormat format, int intermediate, CpuColumnOrder order) {
        if ((order == CpuColumnOrder.SLICES) != (format == CpuTileFormat.Q2)) {
            throw new IllegalArgumentException("w2 of an expert in " + format + " is not in order " + order);
        }
        if (order == CpuColumnOrder.SIXTEENS) {
            Arguments.requireMultiple("intermediate", intermediate, "sixteen slices", SLICES_OF_PAIR * GROUP);
        }
    }

    private static void requireSize(String name, int size) {
        Arguments.requirePositive(name, size);
        Arguments.requireAtMost(name, size, "the largest size", MOST);
        Arguments.requireMultiple(name, size, "the rows of a group", GROUP);
    }

    private static void requirePairs(String name, CpuTileFormat format, int pairs, long groups) {
        if (format == CpuTileFormat.Q2N) {
            Arguments.requireEqual(name, pairs, "those of " + format, 0);
            return;
        }
        Arguments.requirePositive(name, pairs);
        Arguments.requireMultiple("the number of groups", groups, name, pairs);
    }

    /**
     * Into how many slices the expert can be cut: slice s is the intermediate values s + {@code slices()} &middot; i for i from
     * 0 to 15, which are one row of groups of w1 and of w3. Ranges of slices that begin and end at multiples of 8 (16 in
     * {@link CpuColumnOrder#SIXTEENS}, 128 in {@link CpuColumnOrder#NATURAL}) read each byte of w2 once.
     */
    public int slices() {
        return intermediate / GROUP;
    }

    /** Bytes of the {@link TiledPairs} of the expert at a level. */
    public long pairsBytes(CpuLevel level) {
        if (format == CpuTileFormat.Q2N) {
            return 0;
        }
        long wide = pairBlocks(hidden, widePairs);
        long down = pairBlocks(intermediate, downPairs);
        return level == CpuLevel.PORTABLE
                ? (2 * wide + down) * PORTABLE_PAIR_BLOCK
                : (2 * wide + down) * PAIR_BLOCK + down * REACH_BLOCK;
    }

    /** The most that these are at any level. */
    public long mostPairsBytes() {
        return Stream.of(CpuLevel.values()).mapToLong(this::pairsBytes).max().orElseThrow();
    }

    /** Rows of groups with the same pairs have the same blocks. */
    private static long pairBlocks(int columns, int pairs) {
        return period(columns, pairs) * Math.ceilDiv(columns, BLOCK_COLUMNS);
    }

    /** Rows of groups g and g + period have the same second-level pairs. */
    static long period(int columns, long pairs) {
        return pairs
                / BigInteger.valueOf(columns).gcd(BigInteger.valueOf(pairs)).longValueExact();
    }

    /** Bytes of the three matrices, without padding behind them. */
    public long bytes() {
        return 2 * format.bytes(intermediate, hidden, widePairs, CpuColumnOrder.NATURAL)
                + format.bytes(hidden, intermediate, downPairs, downOrder);
    }
}
