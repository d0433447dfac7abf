package dev.gatun.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Seeds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    @RepeatedTest(20)
    void raisedCodesAreTheSameWeights() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        HqqScheme scheme = new HqqScheme(3, 8 * random.nextInt(1, 9), 1);
        int rows = scheme.groupSize() * random.nextInt(1, 6);
        HqqMatrix matrix = new RandomMatrices(random.nextLong()).hqq(scheme, rows, random.nextInt(1, 100));
        HqqMatrix given = random.nextBoolean() ? matrix : matrix.computable(Arena.ofAuto());
        HqqMatrix raised = given.centered(Arena.ofAuto());
        double[] expected = Dequantizer.toDoubles(matrix);
        double[] actual = Dequantizer.toDoubles(raised);
        int[] codes = new int[16];
        for (byte both : raised.codes().toArray(ValueLayout.JAVA_BYTE)) {
            codes[both & 15]++;
            codes[both >> 4 & 15]++;
        }
        assertThat(Arrays.stream(codes, 4, 12).sum()).as(Seeds.hint(seed)).isEqualTo(expected.length);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(actual).as(Seeds.hint(seed)).containsExactly(expected, within(1e-5 * largest));
        assertThat(Dequantizer.toDoubles(given))
                .as("what was given, " + Seeds.hint(seed))
                .containsExactly(expected);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1e-40, 0", "1, 1e8", "-1, 1e8"})
    void zerosThatCannotBeRaisedStayWhatTheyAre(float zeroScale, float zeroZero) {
        HqqMatrix any = new RandomMatrices(5).hqq(new HqqScheme(3, 8, 1), 32, 12);
        HqqMatrix matrix = new HqqMatrix(
                any.scheme(),
                any.rows(),
                any.columns(),
                any.codes(),
                any.scaleCodes(),
                any.scaleScales(),
                any.scaleZeros(),
                any.zeroCodes(),
                zeroScale,
                zeroZero);
        HqqMatrix wide = matrix.computable(Arena.ofAuto());
        HqqMatrix centered = matrix.centered(Arena.ofAuto());
        assertThat(centered.codes().mismatch(wide.codes())).isEqualTo(-1);
        assertThat(centered.zeroZero()).isEqualTo(zeroZero);
        assertThat(wide.centered(Arena.ofAuto())).isSameAs(wide);
    }

    /** With the arithmetic of batch_q4.cu: the scale, what the zero takes off, and the weight are rounded to binary16. */
    @RepeatedTest(4)
    void kernelsThatRoundLoseNoMoreOfThreeBitsThanOfFour() {
        long seed = Seeds.next();
        RandomMatrices matrices = new RandomMatrices(seed);
        HqqMatrix three = matrices.hqq(new HqqScheme(3, 64, 4), 192, 256);
        HqqMatrix four = matrices.hqq(new HqqScheme(4, 64, 4), 192, 256);
        assertThat(lost(three.centered(Arena.ofAuto())))
                .as(Seeds.hint(seed))
                .isLessThan(1.25 * lost(four))
                .isLessThan(0.75 * lost(three.computable(Arena.ofAuto())));
    }

    /** The 2-norm of what rounding does to the weights, as a share of theirs. */
    private static double lost(HqqMatrix matrix) {
        double[] weights = Dequantizer.toDoubles(matrix);
        int groups = Math.toIntExact(matrix.scaleCodes().byteSize());
        double lost = 0;
        double whole = 0;
        for (int at = 0; at < weights.length; at++) {
            double scale = scale(matrix, at % groups);
            double zero = (Byte.toUnsignedInt(matrix.zeroCodes().get(ValueLayout.JAVA_BYTE, at % groups))
                            - (double) matrix.zeroZero())
                    * matrix.zeroScale();
            double code = Math.rint(weights[at] / scale + zero);
            double rounded = half((code - 8) * half(scale) + half((8 - zero) * scale));
            lost += (rounded - weights[at]) * (rounded - weights[at]);
            whole += weights[at] * weights[at];
        }
        return Math.sqrt(lost / whole);
    }

    private static double scale(HqqMatrix matrix, int group) {
        long pair = 2 * (group % (matrix.scaleScales().byteSize() / 2));
        return (Byte.toUnsignedInt(matrix.scaleCodes().get(ValueLayout.JAVA_BYTE, group))
                        - (double) half(matrix.scaleZeros(), pair))
                * half(matrix.scaleScales(), pair);
    }

    private static float half(MemorySegment values, long at) {
        return Float.float16ToFloat(values.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
    }

    /** Times 2^4, as there: below that fp16 is less exact. */
    private static double half(double value) {
        return Float.float16ToFloat(Float.floatToFloat16((float) (16 * value))) / 16.0;
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
