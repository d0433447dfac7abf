package dev.gatun.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Brings 3-bit codes, ten in an int32, into fields of 4 bits, which everything that computes can read; they take a third more
 * memory so.
 */
final class ThreeBitCodes {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int FIELDS = 10;
    private static final int BITS = 3;
    private static final int WIDE_BITS = 4;

    private final int rows;
    private final int columns;
    private final int groupSize;

    /** @param groupSize even, and divides the rows */
    ThreeBitCodes(int rows, int columns, int groupSize) {
        this.rows = rows;
        this.columns = columns;
        this.groupSize = groupSize;
    }

    /**
     * The codes in HQQ's order of 4-bit codes.
     *
     * @param stored the words
     * @param order which weights they are; empty for what follows from their number
     * @param arena the memory of the result is its; shared between threads, as several widen
     * @throws CheckpointException if the words do not fit, or fit several orders and none was given
     */
    MemorySegment widen(StoredTensor stored, Optional<ThreeBitOrder> order, Arena arena) {
        return widen(stored.tensor().data(), order(stored, order), arena);
    }

    private ThreeBitOrder order(StoredTensor stored, Optional<ThreeBitOrder> wanted) {
        List<ThreeBitOrder> fitting = Arrays.stream(ThreeBitOrder.values())
                .filter(order -> words(order) == stored.tensor().count())
                .toList();
        if (wanted.isPresent() && fitting.contains(wanted.get())) {
            return wanted.get();
        }
        if (fitting.isEmpty() || wanted.isPresent()) {
            throw new CheckpointException(stored.where() + " has "
                    + stored.tensor().count()
                    + " words of 3-bit codes, which do not fit a matrix of " + rows + " x " + columns
                    + wanted.map(order -> " in the order " + name(order)).orElse("")
                    + (fitting.isEmpty() ? "" : "; they would in the order " + names(fitting)));
        }
        if (fitting.size() > 1) {
            throw new CheckpointException(stored.where() + ": its 3-bit codes may lie in the order " + names(fitting)
                    + ", and nothing in the file tells which; try each (--row-order), and keep the one that makes sense:"
                    + " gatun perplexity tells");
        }
        return fitting.getFirst();
    }

    private static String names(List<ThreeBitOrder> orders) {
        return orders.stream().map(ThreeBitCodes::name).collect(Collectors.joining(" or "));
    }

    private static String name(ThreeBitOrder order) {
        return order.name().toLowerCase(Locale.ROOT);
    }

    private long words(ThreeBitOrder order) {
        return (long) packedRows(order) * width(order);
    }

    /** Rows of the table whose elements are packed: those of a group, or of the matrix. */
    private int tableRows(ThreeBitOrder order) {
        return order == ThreeBitOrder.NATIVE ? groupSize : rows;
    }

    private long width(ThreeBitOrder order) {
        return order == ThreeBitOrder.NATIVE ? (long) rows / groupSize * columns : columns;
    }

    private int packedRows(ThreeBitOrder order) {
        return Math.ceilDiv(tableRows(order), FIELDS);
    }

    /**
     * The table's elements in row-major order are the weights in row-major order, whichever table it is; and its upper half
     * are the upper fields of the result.
     */
    private MemorySegment widen(MemorySegment words, ThreeBitOrder order, Arena arena) {
        MemorySegment wide = arena.allocate((long) rows * columns / 2);
        int half = tableRows(order) / 2;
        IntStream.range(0, half).parallel().forEach(row -> {
            Row upper = row(words, order, row);
            Row lower = row(words, order, row + half);
            long width = width(order);
            for (long column = 0; column < width; column++) {
                int both = upper.code(column) << WIDE_BITS | lower.code(column);
                wide.set(ValueLayout.JAVA_BYTE, row * width + column, (byte) both);
            }
        });
        return wide;
    }

    /** Where a row of the table lies: one field of the words of a packed row. */
    private record Row(MemorySegment words, int shift) {
        int code(long column) {
            return words.get(WORD, column * Integer.BYTES) >>> shift & 7;
        }
    }

    private Row row(MemorySegment words, ThreeBitOrder order, int row) {
        boolean isInterleaved = order == ThreeBitOrder.INTERLEAVED;
        int packedRow = isInterleaved ? row / FIELDS : row % packedRows(order);
        int field = isInterleaved ? row % FIELDS : row / packedRows(order);
        long bytes = width(order) * Integer.BYTES;
        return new Row(words.asSlice(packedRow * bytes, bytes), BITS * (FIELDS - 1 - field));
    }
}
