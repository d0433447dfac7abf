package dev.gatun.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.gatun.checkpoint.Seeds;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** What becomes of codes that kernels do not read. */
class WideCodesTest {
    @RepeatedTest(40)
    void codesOfThreeBitsAreTheSameWeightsInFieldsOfFour() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        RandomMatrices matrices = new RandomMatrices(random.nextLong());
        int groupSize = 8 * random.nextInt(1, 5);
        int rows = groupSize * random.nextInt(1, 6);
        int columns = random.nextInt(1, 300);
        QuantizedMatrix matrix = random.nextBoolean()
                ? matrices.narrow(new NarrowScheme(3, groupSize), rows, columns)
                : matrices.hqq(new HqqScheme(3, groupSize, 1), rows, columns);
        QuantizedMatrix wide = matrix.computable(Arena.ofAuto());
        assertThat(wide.scheme().bits()).isEqualTo(4);
        assertThat(wide.bytes()).isEqualTo(matrix.computedBytes());
        assertThat(Arrays.equals(Dequantizer.toFloats(wide), Dequantizer.toFloats(matrix)))
                .as(matrix.scheme() + " of " + rows + " x " + columns + ", " + Seeds.hint(seed))
                .isTrue();
        if (wide instanceof HqqMatrix hqq) {
            assertThat(hqq.inThreeBits(Arena.ofAuto()).codes().mismatch(matrix.codes()))
                    .as(Seeds.hint(seed))
                    .isEqualTo(-1);
        }
    }

    @Test
    void codesThatTakeFourBitsAreNotPackedIntoThree() {
        HqqMatrix matrix = new RandomMatrices(4).hqq(new HqqScheme(4, 8, 1), 32, 12);
        assertThatIllegalStateException().isThrownBy(() -> matrix.inThreeBits(Arena.ofAuto()));
    }

    @Test
    void piecesOfManyThreadsMakeOneWhole() {
        NarrowMatrix matrix = new RandomMatrices(3).narrow(new NarrowScheme(3, 8), 1024, 1030);
        float[] wide = Dequantizer.toFloats(matrix.computable(Arena.ofAuto()));
        assertThat(Arrays.equals(wide, Dequantizer.toFloats(matrix))).isTrue();
    }

    @Test
    void othersStayWhatTheyAre() {
        for (int bits : new int[] {2, 4, 8}) {
            HqqMatrix matrix = new RandomMatrices(bits).hqq(new HqqScheme(bits, 16, 4), 32, 12);
            assertThat(matrix.computable(Arena.ofAuto())).isSameAs(matrix);
            assertThat(matrix.computedBytes()).isEqualTo(matrix.bytes());
        }
    }
}
