package dev.gatun.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Seeds;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class DequantizerTest {
    @RepeatedTest(30)
    void everyCodeIsDecodedWhereThePackingRulePutsIt() {
        long seed = Seeds.next();
        HqqMatrix matrix = randomMatrix(seed);
        double[] expected = decodeByteByByte(matrix);
        double[] doubles = Dequantizer.toDoubles(matrix);
        float[] floats = Dequantizer.toFloats(matrix);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < expected.length; i++) {
            assertThat(doubles[i]).as(Seeds.hint(seed)).isEqualTo(expected[i]);
            assertThat((double) floats[i]).as(Seeds.hint(seed)).isCloseTo(expected[i], within(largest * 1e-6));
        }
    }

    @RepeatedTest(30)
    void narrowMatricesAreWideOnesWithAnotherSecondLevel() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        NarrowScheme scheme = new NarrowScheme(2 << random.nextInt(3), 4 * random.nextInt(1, 6));
        int rows = scheme.groupSize() * random.nextInt(1, 5);
        int columns = random.nextInt(1, 300);
        NarrowMatrix matrix = new RandomMatrices(random.nextLong()).narrow(scheme, rows, columns);
        double[] expected = decodeGroupByGroup(matrix);
        double[] doubles = Dequantizer.toDoubles(matrix);
        float[] floats = Dequantizer.toFloats(matrix);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < expected.length; i++) {
            assertThat(doubles[i]).as(Seeds.hint(seed)).isEqualTo(expected[i]);
            assertThat((double) floats[i]).as(Seeds.hint(seed)).isCloseTo(expected[i], within(largest * 1e-6));
        }
    }

    @Test
    void aHalfWidensToTheFloatOfTheSameValue() {
        float[] values = Dequantizer.toFloats(allPatterns(FloatType.F16));
        for (int pattern = 0; pattern < values.length; pattern++) {
            assertThat(Float.floatToRawIntBits(values[pattern]))
                    .isEqualTo(Float.floatToRawIntBits(Float.float16ToFloat((short) pattern)));
        }
    }

    @Test
    void aBrainFloatIsTheUpperHalfOfItsFloat() {
        float[] values = Dequantizer.toFloats(allPatterns(FloatType.BF16));
        for (int pattern = 0; pattern < values.length; pattern++) {
            assertThat(Float.floatToRawIntBits(values[pattern])).isEqualTo(pattern << 16);
        }
    }

    @Test
    void aRowStaysInItsPlace() {
        DenseMatrix matrix = new RandomMatrices(1).dense(FloatType.F32, 3, 5);
        float[] destination = new float[9];
        Dequantizer.row(matrix, 2, destination, 2);
        float[] all = Dequantizer.toFloats(matrix);
        assertThat(destination).containsExactly(0, 0, all[10], all[11], all[12], all[13], all[14], 0, 0);
        assertThatThrownBy(() -> Dequantizer.row(matrix, 3, destination, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Dequantizer.row(matrix, 0, destination, 5))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @RepeatedTest(10)
    void randomWeightsKeepTheMagnitudeOfAVector() {
        long seed = Seeds.next();
        RandomMatrices random = new RandomMatrices(seed);
        for (WeightMatrix matrix : new WeightMatrix[] {
            random.dense(FloatType.BF16, 64, 256),
            random.hqq(new HqqScheme(2, 16, 128), 64, 256),
            random.hqq(new HqqScheme(4, 64, 256), 64, 256),
            random.hqq(new HqqScheme(8, 1, 64), 64, 256),
            random.narrow(new NarrowScheme(2, 16), 64, 256),
            random.narrow(new NarrowScheme(4, 64), 64, 300)
        }) {
            double squares = Arrays.stream(Dequantizer.toDoubles(matrix))
                    .map(weight -> weight * weight)
                    .sum();
            assertThat(Math.sqrt(squares / 64))
                    .as(matrix + ", " + Seeds.hint(seed))
                    .isBetween(0.3, 4.0);
        }
    }

    private static HqqMatrix randomMatrix(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        RandomMatrices matrices = new RandomMatrices(random.nextLong());
        int bits = List.of(2, 3, 4, 8).get(random.nextInt(4));
        int rows = 8 * random.nextInt(1, 8);
        int columns = random.nextInt(1, 40);
        return matrices.hqq(matrices.scheme(bits, rows, columns), rows, columns);
    }

    /** Walks over the packed bytes instead of over the weights. */
    private static double[] decodeByteByByte(HqqMatrix matrix) {
        int total = matrix.rows() * matrix.columns();
        int groups = (int) matrix.scaleCodes().byteSize();
        int pairs = groups / matrix.scheme().scaleGroup();
        int[] codes = unpack(matrix.codes(), total, matrix.scheme().bits());
        double[] weights = new double[total];
        for (int weight = 0; weight < total; weight++) {
            int group = weight % groups;
            int pair = group % pairs;
            double scale = (unsigned(matrix.scaleCodes(), group) - half(matrix.scaleZeros(), pair))
                    * half(matrix.scaleScales(), pair);
            double zero = (unsigned(matrix.zeroCodes(), group) - (double) matrix.zeroZero()) * matrix.zeroScale();
            weights[weight] = (codes[weight] - zero) * scale;
        }
        return weights;
    }

    private static int[] unpack(MemorySegment packed, int total, int bits) {
        if (bits == 3) {
            int[] lower = unpack(packed.asSlice(0, total / 4), total, 2);
            int[] highest = unpack(packed.asSlice(total / 4), total, 1);
            return IntStream.range(0, total).map(i -> 4 * highest[i] + lower[i]).toArray();
        }
        int bytes = total * bits / 8;
        int[] codes = new int[total];
        for (int at = 0; at < bytes; at++) {
            int rest = unsigned(packed, at);
            for (int weight = total - bytes + at; weight >= 0; weight -= bytes) {
                codes[weight] = rest % (1 << bits);
                rest >>= bits;
            }
        }
        return codes;
    }

    /** Walks over the groups and their members; the codes are those of an HQQ matrix of which a group is one step. */
    private static double[] decodeGroupByGroup(NarrowMatrix matrix) {
        int groupSize = matrix.scheme().groupSize();
        int groupRows = matrix.rows() / groupSize;
        int groups = groupRows * matrix.columns();
        double[] codes = codes(matrix, groups);
        double[] weights = new double[codes.length];
        for (int group = 0; group < groups; group++) {
            long entry = group / matrix.columns() * ((matrix.columns() + 127L) / 128) + group % matrix.columns() / 128;
            int meta = unsigned(matrix.metas(), group);
            double scale = (meta % 16 - half(matrix.pairs(), 4 * entry + 1)) * half(matrix.pairs(), 4 * entry);
            double zero = ((meta >> 4) - half(matrix.pairs(), 4 * entry + 3)) * half(matrix.pairs(), 4 * entry + 2);
            for (int member = 0; member < groupSize; member++) {
                weights[group + member * groups] = (codes[group + member * groups] - zero) * scale;
            }
        }
        return weights;
    }

    /** The codes as numbers: weights with a scale of 1 and a zero of 0. */
    private static double[] codes(NarrowMatrix matrix, int groups) {
        MemorySegment ones = MemorySegment.ofArray(new byte[groups]);
        ones.fill((byte) 1);
        MemorySegment one = MemorySegment.ofArray(new short[] {Float.floatToFloat16(1)});
        MemorySegment zero = MemorySegment.ofArray(new short[] {0});
        HqqScheme scheme = new HqqScheme(matrix.scheme().bits(), matrix.scheme().groupSize(), groups);
        MemorySegment zeros = MemorySegment.ofArray(new byte[groups]);
        return Dequantizer.toDoubles(
                new HqqMatrix(scheme, matrix.rows(), matrix.columns(), matrix.codes(), ones, one, zero, zeros, 1, 0));
    }

    private static int unsigned(MemorySegment bytes, long at) {
        return bytes.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }

    private static double half(MemorySegment values, long index) {
        return Float.float16ToFloat(
                values.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 2 * index));
    }

    private static DenseMatrix allPatterns(FloatType type) {
        MemorySegment values = MemorySegment.ofArray(new byte[1 << 17]);
        for (int pattern = 0; pattern < 1 << 16; pattern++) {
            values.set(
                    ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 2L * pattern, (short) pattern);
        }
        return new DenseMatrix(type, 256, 256, values);
    }
}
