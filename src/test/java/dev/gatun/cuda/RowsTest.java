package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowsTest {
    @Test
    void rowsAreAcceptedUpToTheEndOfTheirMemoryAndNoFurther() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            long pitch = 1L + (random.nextInt(Integer.MAX_VALUE) >> random.nextInt(31));
            long rowBytes = random.nextLong(pitch) + 1;
            Rows rows = new Rows(random.nextLong() >>> (1 + random.nextInt(63)), pitch);
            long count = 1 + (random.nextLong() >>> (1 + random.nextInt(63))) / 2;
            BigInteger end = BigInteger.valueOf(count - 1)
                    .multiply(BigInteger.valueOf(pitch))
                    .add(BigInteger.valueOf(rows.offset()))
                    .add(BigInteger.valueOf(rowBytes));
            if (end.bitLength() < Long.SIZE) {
                rows.requireInside("the memory", rowBytes, count, end.longValueExact());
                assertThat(rows.offset() + rows.span(rowBytes, count))
                        .as("seed %d", seed)
                        .isEqualTo(end.longValueExact());
                assertOutside(rows, rowBytes, count, end.longValueExact() - 1, seed);
            } else {
                assertOutside(rows, rowBytes, count, Long.MAX_VALUE, seed);
            }
        }
    }

    private static void assertOutside(Rows rows, long rowBytes, long count, long size, long seed) {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .as("seed %d", seed)
                .isThrownBy(() -> rows.requireInside("the memory", rowBytes, count, size));
    }

    @Test
    void theMessageSaysWhatLiesOutsideOfWhat() {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> new Rows(8, 32).requireInside("the pinned memory", 16, 4, 119))
                .withMessage("the pinned memory has 119 bytes: 4 rows of 16 bytes, 32 apart, from offset 8"
                        + " are out of bounds");
    }

    @Test
    void rowsThatReachIntoTheNextAreRefused() {
        new Rows(0, 8).requireInside("the memory", 8, 2, 16);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Rows(0, 8).requireInside("the device memory", 9, 1, 100))
                .withMessage("rows of 9 bytes do not fit the pitch in the device memory: 8");
    }

    @Test
    void emptyRowsAndNoRowsAreRefused() {
        Rows rows = new Rows(0, 8);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rows.requireInside("the memory", 0, 1, 100))
                .withMessage("the bytes of a row must be positive: 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rows.requireInside("the memory", 8, 0, 100))
                .withMessage("the number of rows must be positive: 0");
    }

    @Test
    void placesThatTheDriverCannotTakeAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Rows(-1, 8))
                .withMessage("the offset of rows must not be negative: -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Rows(0, 0))
                .withMessage("the pitch of rows must be positive: 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Rows(0, 1L << 31))
                .withMessage("the pitch of rows must be at most 2147483647: 2147483648");
    }
}
