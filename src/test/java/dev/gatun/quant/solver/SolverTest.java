package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.RandomMatrices;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds of every solver, and of one against the other. */
class SolverTest {
    private static final Solver HQQ = new HqqSolver();
    private static final Solver LEAST_SQUARES = new LeastSquaresSolver();
    private static final Workers WORKERS = Workers.open(2);

    static List<Solver> solvers() {
        return List.of(HQQ, LEAST_SQUARES);
    }

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    /** Weights and a scheme that divides them. */
    private record Sample(DenseMatrix weights, QuantizationScheme scheme) {
        static Sample random(long seed) {
            SplittableRandom random = new SplittableRandom(seed);
            int bits = 2 << random.nextInt(3);
            int groupSize = List.of(16, 32, 64).get(random.nextInt(3));
            int rows = groupSize * random.nextInt(1, 5);
            int columns = 4 * random.nextInt(1, 80);
            DoubleSupplier values =
                    random.nextBoolean() ? random::nextGaussian : () -> Math.pow(random.nextGaussian(), 3);
            double scale = Math.pow(2, random.nextInt(-8, 4));
            QuantizationScheme scheme = random.nextBoolean()
                    ? new NarrowScheme(bits, groupSize)
                    : new HqqScheme(bits, groupSize, rows / groupSize * columns / 4);
            return new Sample(dense(rows, columns, () -> scale * values.getAsDouble()), scheme);
        }

        QuantizedMatrix quantized(Solver solver) {
            return solver.quantize("w", weights, Target.of(scheme, Arena.ofAuto(), WORKERS));
        }

        double error(QuantizedMatrix matrix) {
            return SolverTest.error(weights, matrix);
        }
    }

    private static DenseMatrix dense(int rows, int columns, DoubleSupplier values) {
        float[] weights = new float[rows * columns];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) values.getAsDouble();
        }
        return new DenseMatrix(
                FloatType.F32, rows, columns, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, weights));
    }

    /** The sum of the squared errors. */
    private static double error(DenseMatrix weights, QuantizedMatrix matrix) {
        double[] expected = Dequantizer.toDoubles(weights);
        double[] actual = Dequantizer.toDoubles(matrix);
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            sum += (actual[i] - expected[i]) * (actual[i] - expected[i]);
        }
        return sum;
    }

    private static double squares(DenseMatrix weights) {
        double sum = 0;
        for (double weight : Dequantizer.toDoubles(weights)) {
            sum += weight * weight;
        }
        return sum;
    }

    @RepeatedTest(60)
    void leastSquaresNeverLeavesALargerSquaredErrorThanHqq() {
        long seed = Seeds.next();
        Sample sample = Sample.random(seed);
        assertThat(sample.error(sample.quantized(LEAST_SQUARES)))
                .as(sample + ", " + Seeds.hint(seed))
                .isLessThanOrEqualTo(sample.error(sample.quantized(HQQ)));
    }

    @RepeatedTest(30)
    void weightsOfANormalDistributionLoseNoMoreThanAUniformCodeMust() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        DenseMatrix weights = dense(128, 256, () -> 0.02 * random.nextGaussian());
        double all = squares(weights);
        assertThat(relative(weights, new HqqScheme(2, 16, 128), all))
                .as(Seeds.hint(seed))
                .isLessThan(0.28);
        assertThat(relative(weights, new NarrowScheme(2, 16), all))
                .as(Seeds.hint(seed))
                .isLessThan(0.28);
        assertThat(relative(weights, new HqqScheme(4, 64, 256), all))
                .as(Seeds.hint(seed))
                .isLessThan(0.09);
        assertThat(relative(weights, new NarrowScheme(4, 64), all))
                .as(Seeds.hint(seed))
                .isLessThan(0.09);
        assertThat(relative(weights, new HqqScheme(8, 64, 256), all))
                .as(Seeds.hint(seed))
                .isLessThan(0.006);
    }

    private static double relative(DenseMatrix weights, QuantizationScheme scheme, double all) {
        QuantizedMatrix matrix = LEAST_SQUARES.quantize("w", weights, Target.of(scheme, Arena.ofAuto(), WORKERS));
        return Math.sqrt(error(weights, matrix) / all);
    }

    @RepeatedTest(20)
    void everyWeightHasTheCodeNearestToIt() {
        long seed = Seeds.next();
        Sample sample = Sample.random(seed);
        QuantizedMatrix matrix = sample.quantized(LEAST_SQUARES);
        double[] weights = Dequantizer.toDoubles(sample.weights());
        double[] actual = Dequantizer.toDoubles(matrix);
        double[] lowest = Dequantizer.toDoubles(withCodes(matrix, 0));
        double[] highest = Dequantizer.toDoubles(withCodes(matrix, 255));
        int top = (1 << sample.scheme().bits()) - 1;
        for (int i = 0; i < weights.length; i++) {
            double step = (highest[i] - lowest[i]) / top;
            double nearest = Math.min(Math.max(weights[i], lowest[i]), highest[i]);
            assertThat(Math.abs(actual[i] - nearest))
                    .as("weight %d, %s", i, Seeds.hint(seed))
                    .isLessThanOrEqualTo(step * 0.501);
        }
    }

    /** The same scales and zeros with other bytes of codes. */
    private static QuantizedMatrix withCodes(QuantizedMatrix matrix, int value) {
        MemorySegment codes =
                MemorySegment.ofArray(new byte[(int) matrix.codes().byteSize()]);
        codes.fill((byte) value);
        return switch (matrix) {
            case HqqMatrix hqq ->
                new HqqMatrix(
                        hqq.scheme(),
                        hqq.rows(),
                        hqq.columns(),
                        codes,
                        hqq.scaleCodes(),
                        hqq.scaleScales(),
                        hqq.scaleZeros(),
                        hqq.zeroCodes(),
                        hqq.zeroScale(),
                        hqq.zeroZero());
            case NarrowMatrix narrow ->
                new NarrowMatrix(
                        narrow.scheme(), narrow.rows(), narrow.columns(), codes, narrow.metas(), narrow.pairs());
        };
    }

    @RepeatedTest(20)
    void whatWasQuantizedIsQuantizedAgainWithoutMuchLoss() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        DenseMatrix weights = dense(64, 4 * random.nextInt(16, 80), random::nextGaussian);
        HqqScheme scheme = new HqqScheme(2, 16, 4);
        float[] once =
                Dequantizer.toFloats(LEAST_SQUARES.quantize("w", weights, Target.of(scheme, Arena.ofAuto(), WORKERS)));
        DenseMatrix widened = new DenseMatrix(
                FloatType.F32,
                weights.rows(),
                weights.columns(),
                Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, once));
        assertThat(relative(widened, scheme, squares(widened)))
                .as(Seeds.hint(seed))
                .isLessThan(0.05);
    }

    @ParameterizedTest
    @MethodSource("solvers")
    void theNumberOfThreadsChangesNoBit(Solver solver) {
        long seed = Seeds.next();
        Sample sample = Sample.random(seed);
        QuantizedMatrix expected = sample.quantized(solver);
        for (int threads : new int[] {1, 3, 8}) {
            try (Workers workers = Workers.open(threads)) {
                QuantizedMatrix matrix =
                        solver.quantize("w", sample.weights(), Target.of(sample.scheme(), Arena.ofAuto(), workers));
                assertThat(matrix.codes().mismatch(expected.codes()))
                        .as(Seeds.hint(seed))
                        .isEqualTo(-1);
                assertThat(Dequantizer.toFloats(matrix))
                        .as(Seeds.hint(seed))
                        .containsExactly(Dequantizer.toFloats(expected));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("solvers")
    void theTypeOfEqualWeightsDoesNotMatter(Solver solver) {
        for (FloatType type : FloatType.values()) {
            DenseMatrix weights = new RandomMatrices(5).dense(type, 32, 160);
            DenseMatrix widened = new DenseMatrix(
                    FloatType.F32,
                    32,
                    160,
                    Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, Dequantizer.toFloats(weights)));
            NarrowScheme scheme = new NarrowScheme(2, 16);
            assertThat(Dequantizer.toFloats(solver.quantize("w", weights, Target.of(scheme, Arena.ofAuto(), WORKERS))))
                    .containsExactly(Dequantizer.toFloats(
                            solver.quantize("w", widened, Target.of(scheme, Arena.ofAuto(), WORKERS))));
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void whatIsNoNumberIsRefusedByNameAndPlace(float value) {
        float[] weights = new float[32 * 132];
        weights[17 * 132 + 131] = value;
        DenseMatrix matrix =
                new DenseMatrix(FloatType.F32, 32, 132, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, weights));
        for (Solver solver : solvers()) {
            assertThatThrownBy(() -> solver.quantize(
                            "layers.3.w2", matrix, Target.of(new NarrowScheme(2, 16), Arena.ofAuto(), WORKERS)))
                    .isInstanceOf(QuantizationException.class)
                    .hasMessageContaining("`layers.3.w2` has " + value + " at row 17, column 131");
        }
    }

    @ParameterizedTest
    @MethodSource("solvers")
    void aSchemeThatDoesNotDivideIsRefused(Solver solver) {
        DenseMatrix weights = new RandomMatrices(1).dense(FloatType.F32, 24, 32);
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        solver.quantize("w", weights, Target.of(new NarrowScheme(2, 16), Arena.ofAuto(), WORKERS)))
                .withMessageContaining("`w`");
    }

    @ParameterizedTest
    @MethodSource("solvers")
    void codesMayUseFewerBitsThanTheirFields(Solver solver) {
        long seed = Seeds.next();
        DenseMatrix weights = new RandomMatrices(seed).dense(FloatType.F32, 64, 132);
        NarrowScheme scheme = new NarrowScheme(4, 64);
        QuantizedMatrix matrix = solver.quantize("w", weights, new Target(scheme, 3, Arena.ofAuto(), WORKERS));
        for (byte fields : matrix.codes().toArray(ValueLayout.JAVA_BYTE)) {
            assertThat(fields & 0x88).as(Seeds.hint(seed)).isZero();
        }
        assertThat(error(weights, matrix) / squares(weights))
                .as(Seeds.hint(seed))
                .isBetween(0.015, 0.06);
        for (int bits : new int[] {0, 5}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> solver.quantize("w", weights, new Target(scheme, bits, Arena.ofAuto(), WORKERS)));
        }
    }

    @Test
    void zerosStayNearlyZero() {
        DenseMatrix zeros = dense(32, 132, () -> 0);
        for (Solver solver : solvers()) {
            for (QuantizationScheme scheme : List.of(new HqqScheme(2, 16, 8), new NarrowScheme(2, 16))) {
                for (float weight :
                        Dequantizer.toFloats(solver.quantize("w", zeros, Target.of(scheme, Arena.ofAuto(), WORKERS)))) {
                    assertThat(Math.abs(weight)).as(solver + ", " + scheme).isLessThan(1e-3f);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, -1, 300, 1e-4})
    void equalWeightsStayNearlyEqual(double value) {
        DenseMatrix weights = dense(32, 132, () -> value);
        for (QuantizationScheme scheme : List.of(new HqqScheme(2, 16, 8), new NarrowScheme(2, 16))) {
            assertThat(relative(weights, scheme, squares(weights)))
                    .as(scheme.toString())
                    .isLessThan(0.01);
        }
    }

    @RepeatedTest(10)
    void weightsFarFromZeroKeepTheirMagnitude() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        DenseMatrix weights = dense(64, 140, () -> 1 + 0.01 * random.nextGaussian());
        for (QuantizationScheme scheme : List.of(new HqqScheme(2, 16, 4), new NarrowScheme(2, 16))) {
            assertThat(relative(weights, scheme, squares(weights)))
                    .as(Seeds.hint(seed))
                    .isLessThan(0.05);
        }
    }
}
