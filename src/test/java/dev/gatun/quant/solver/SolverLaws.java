package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

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
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds of every solver, and of one against the other, wherever they run. */
public abstract class SolverLaws {
    private static final Workers WORKERS = Workers.open(2);

    /** The solvers that need no calibration text. */
    public enum Kind {
        HQQ,
        LEAST_SQUARES
    }

    /** One of them, which the subclass closes when all tests are done. */
    protected abstract Solver solver(Kind kind);

    private Solver leastSquares() {
        return solver(Kind.LEAST_SQUARES);
    }

    private static double squares(DenseMatrix weights) {
        double sum = 0;
        for (double weight : Dequantizer.toDoubles(weights)) {
            sum += weight * weight;
        }
        return sum;
    }

    /**
     * What 4 bits are left of scales that differ much may suit the other solver's better, now and then. With codes of 8 bits
     * the second level makes most of the error, and that of a tiny matrix may suit either.
     */
    @RepeatedTest(60)
    void leastSquaresNeverLeavesALargerSquaredErrorThanHqq() {
        long seed = Seeds.next();
        SolverSample sample = SolverSample.random(seed);
        assumeThat(sample.scheme().bits()).isLessThan(8);
        double slack = sample.scheme() instanceof NarrowScheme ? 1.3 : 1;
        assertThat(sample.error(sample.quantized(leastSquares(), WORKERS)))
                .as(sample + ", " + Seeds.hint(seed))
                .isLessThanOrEqualTo(slack * sample.error(sample.quantized(solver(Kind.HQQ), WORKERS)));
    }

    @RepeatedTest(30)
    void weightsOfANormalDistributionLoseNoMoreThanAUniformCodeMust() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        DenseMatrix weights = SolverSample.dense(128, 256, () -> 0.02 * random.nextGaussian());
        Map<QuantizationScheme, Double> most = Map.of(
                new HqqScheme(2, 16, 128), 0.28,
                new NarrowScheme(2, 16), 0.28,
                new HqqScheme(3, 64, 256), 0.18,
                new NarrowScheme(3, 64), 0.18,
                new HqqScheme(4, 64, 256), 0.09,
                new NarrowScheme(4, 64), 0.09,
                new HqqScheme(8, 64, 256), 0.006);
        double all = squares(weights);
        most.forEach((scheme, error) -> assertThat(relative(weights, scheme, all))
                .as("%s, %s", scheme, Seeds.hint(seed))
                .isLessThan(error));
    }

    private double relative(DenseMatrix weights, QuantizationScheme scheme, double all) {
        QuantizedMatrix matrix = leastSquares().quantize("w", weights, Target.of(scheme, Arena.ofAuto(), WORKERS));
        return Math.sqrt(SolverSample.error(weights, matrix) / all);
    }

    @RepeatedTest(20)
    void everyWeightHasTheCodeNearestToIt() {
        long seed = Seeds.next();
        SolverSample sample = SolverSample.random(seed);
        QuantizedMatrix matrix = sample.quantized(leastSquares(), WORKERS);
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
        DenseMatrix weights = SolverSample.dense(64, 4 * random.nextInt(16, 80), random::nextGaussian);
        HqqScheme scheme = new HqqScheme(2, 16, 4);
        float[] once =
                Dequantizer.toFloats(leastSquares().quantize("w", weights, Target.of(scheme, Arena.ofAuto(), WORKERS)));
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
    @EnumSource
    void theNumberOfThreadsChangesNoBit(Kind kind) {
        long seed = Seeds.next();
        SolverSample sample = SolverSample.random(seed);
        QuantizedMatrix expected = sample.quantized(solver(kind), WORKERS);
        for (int threads : new int[] {1, 3, 8}) {
            try (Workers workers = Workers.open(threads)) {
                QuantizedMatrix matrix = solver(kind)
                        .quantize("w", sample.weights(), Target.of(sample.scheme(), Arena.ofAuto(), workers));
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
    @EnumSource
    void theTypeOfEqualWeightsDoesNotMatter(Kind kind) {
        for (FloatType type : FloatType.values()) {
            DenseMatrix weights = new RandomMatrices(5).dense(type, 32, 160);
            DenseMatrix widened = new DenseMatrix(
                    FloatType.F32,
                    32,
                    160,
                    Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, Dequantizer.toFloats(weights)));
            NarrowScheme scheme = new NarrowScheme(2, 16);
            assertThat(Dequantizer.toFloats(
                            solver(kind).quantize("w", weights, Target.of(scheme, Arena.ofAuto(), WORKERS))))
                    .containsExactly(Dequantizer.toFloats(
                            solver(kind).quantize("w", widened, Target.of(scheme, Arena.ofAuto(), WORKERS))));
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void whatIsNoNumberIsRefusedByNameAndPlace(float value) {
        requireRefused(value, "");
    }

    @ParameterizedTest
    @ValueSource(floats = {8193, -70_000, Float.MAX_VALUE})
    void whatIsTooLargeIsRefusedByNameAndPlace(float value) {
        requireRefused(value, "magnitudes above 8192");
    }

    private void requireRefused(float value, String why) {
        float[] weights = new float[32 * 132];
        weights[17 * 132 + 131] = value;
        DenseMatrix matrix =
                new DenseMatrix(FloatType.F32, 32, 132, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, weights));
        for (Kind kind : Kind.values()) {
            assertThatThrownBy(() -> solver(kind)
                            .quantize(
                                    "layers.3.w2", matrix, Target.of(new NarrowScheme(2, 16), Arena.ofAuto(), WORKERS)))
                    .isInstanceOf(QuantizationException.class)
                    .hasMessageContaining("`layers.3.w2` has " + value + " at row 17, column 131")
                    .hasMessageContaining(why);
        }
    }

    @RepeatedTest(20)
    void whatIsNotTooLargeStaysFinite() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        float largest = FiniteWeights.LARGEST;
        List<DoubleSupplier> kinds = List.of(
                () -> random.nextDouble(-largest, largest),
                () -> random.nextBoolean() ? largest : -largest,
                () -> largest - random.nextDouble(),
                () -> random.nextInt(20) == 0 ? -largest : 0.01 * random.nextGaussian());
        DenseMatrix weights = SolverSample.dense(64, 132, kinds.get(random.nextInt(kinds.size())));
        for (QuantizationScheme scheme : List.of(
                new NarrowScheme(2, 16),
                new NarrowScheme(4, 64),
                new HqqScheme(2, 16, 4),
                new HqqScheme(4, 64, 4),
                new HqqScheme(8, 32, 4))) {
            for (int bits : new int[] {1, scheme.bits()}) {
                for (Kind kind : Kind.values()) {
                    QuantizedMatrix matrix =
                            solver(kind).quantize("w", weights, new Target(scheme, bits, Arena.ofAuto(), WORKERS));
                    double most = 0;
                    for (double weight : Dequantizer.toDoubles(matrix)) {
                        most = Math.max(most, Math.abs(weight));
                    }
                    assertThat(most)
                            .as("%s, %d bits of %s, %s", kind, bits, scheme, Seeds.hint(seed))
                            .isLessThanOrEqualTo(4 * largest);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aSchemeThatDoesNotDivideIsRefused(Kind kind) {
        DenseMatrix weights = new RandomMatrices(1).dense(FloatType.F32, 24, 32);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> solver(kind)
                        .quantize("w", weights, Target.of(new NarrowScheme(2, 16), Arena.ofAuto(), WORKERS)))
                .withMessageContaining("`w`");
    }

    @ParameterizedTest
    @EnumSource
    void codesMayUseFewerBitsThanTheirFields(Kind kind) {
        long seed = Seeds.next();
        DenseMatrix weights = new RandomMatrices(seed).dense(FloatType.F32, 64, 132);
        NarrowScheme scheme = new NarrowScheme(4, 64);
        QuantizedMatrix matrix = solver(kind).quantize("w", weights, new Target(scheme, 3, Arena.ofAuto(), WORKERS));
        for (byte fields : matrix.codes().toArray(ValueLayout.JAVA_BYTE)) {
            assertThat(fields & 0x88).as(Seeds.hint(seed)).isZero();
        }
        assertThat(SolverSample.error(weights, matrix) / squares(weights))
                .as(Seeds.hint(seed))
                .isBetween(0.015, 0.06);
        for (int bits : new int[] {0, 5}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() ->
                            solver(kind).quantize("w", weights, new Target(scheme, bits, Arena.ofAuto(), WORKERS)));
        }
    }

    @Test
    void zerosStayNearlyZero() {
        DenseMatrix zeros = SolverSample.dense(32, 132, () -> 0);
        for (Kind kind : Kind.values()) {
            for (QuantizationScheme scheme : List.of(new HqqScheme(2, 16, 8), new NarrowScheme(2, 16))) {
                for (float weight : Dequantizer.toFloats(
                        solver(kind).quantize("w", zeros, Target.of(scheme, Arena.ofAuto(), WORKERS)))) {
                    assertThat(Math.abs(weight)).as(kind + ", " + scheme).isLessThan(1e-3f);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, -1, 300, 1e-4})
    void equalWeightsStayNearlyEqual(double value) {
        DenseMatrix weights = SolverSample.dense(32, 132, () -> value);
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
        DenseMatrix weights = SolverSample.dense(64, 140, () -> 1 + 0.01 * random.nextGaussian());
        for (QuantizationScheme scheme : List.of(new HqqScheme(2, 16, 4), new NarrowScheme(2, 16))) {
            assertThat(relative(weights, scheme, squares(weights)))
                    .as(Seeds.hint(seed))
                    .isLessThan(0.05);
        }
    }
}
