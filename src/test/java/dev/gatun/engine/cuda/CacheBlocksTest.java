package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Seeds;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CacheBlocksTest {
    @Test
    void valuesAreOffByAtMostTheLargestsUnit() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 2000; i++) {
            float scale = Math.scalb(1f, random.nextInt(-80, 13));
            float[] block = new float[CacheBlocks.COLUMNS];
            for (int column = 0; column < block.length; column++) {
                block[column] = scale * (float) random.nextGaussian();
            }
            assertNear(block, Seeds.hint(seed));
        }
    }

    /** A zero beside others is a word that ends as it must, so it may be off as well. */
    @Test
    void zerosBesideALargeValueAreOffByAtMostItsUnit() {
        float[] block = {1, 0, 0, 0, 0, 0, 0, 0};
        assertNear(block, "one value");
        assertThat(CacheBlocks.unpack(CacheBlocks.pack(block))).contains(0x1p-14f);
    }

    private static void assertNear(float[] block, String what) {
        float[] found = CacheBlocks.unpack(CacheBlocks.pack(block));
        for (int column = 0; column < block.length; column++) {
            assertThat((double) found[column]).as(what).isCloseTo(block[column], within(largest(block) * 0x1p-14));
        }
    }

    private static double largest(float[] block) {
        double largest = 0;
        for (float value : block) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    @Test
    void zerosAreZerosInAllBits() {
        assertThat(CacheBlocks.pack(new float[CacheBlocks.COLUMNS])).containsOnly(0);
        assertThat(CacheBlocks.unpack(new short[CacheBlocks.COLUMNS])).containsOnly(0);
    }

    /** Half-way between two words is the one whose upper bits are even: the units of 1 are 2<sup>-14</sup>. */
    @Test
    void tiesGoToEvenUpperBits() {
        float[] found = CacheBlocks.unpack(CacheBlocks.pack(new float[] {1, 0, 0x1p-14f, 0, 0x3p-14f, 0, 0, 0}));
        assertThat(found[2]).isZero();
        assertThat(found[4]).isEqualTo(0x4p-14f);
    }

    @ParameterizedTest
    @ValueSource(floats = {65504, -65504})
    void whatABinary16HoldsIsANumber(float value) {
        assertNear(new float[] {1, 2, 3, 4, 5, value, 7, 8}, "the largest");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.NEGATIVE_INFINITY, Float.MAX_VALUE, 0x1.ffc002p15f, -1e5f})
    void besideWhatIsTooLargeForABinary16NoneIsANumber(float value) {
        float[] block = {1, 2, 3, 4, 5, value, 7, 8};
        for (float found : CacheBlocks.unpack(CacheBlocks.pack(block))) {
            assertThat(found).isNaN();
        }
    }
}
