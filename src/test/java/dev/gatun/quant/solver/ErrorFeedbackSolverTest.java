package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.RandomMatrices;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorFeedbackSolverTest {
    private static final NarrowScheme NARROW = new NarrowScheme(2, 16);
    private static final Workers WORKERS = Workers.open(2);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    /** A matrix and inputs of it, of which the first half is for calibration. */
    private record Sample(DenseMatrix weights, List<float[]> seen, List<float[]> unseen) {
        static Sample random(long seed) {
            SplittableRandom random = new SplittableRandom(seed);
            int columns = 4 * random.nextInt(20, 60);
            DenseMatrix weights = new RandomMatrices(random.nextLong()).dense(FloatType.F32, 48, columns);
            List<float[]> inputs = List.of(RandomInputs.of(random, 8 * columns, columns));
            return new Sample(weights, inputs.subList(0, 4 * columns), inputs.subList(4 * columns, 8 * columns));
        }

        Moments moments() {
            Moments moments = new Moments(weights.columns());
            moments.add(seen.toArray(float[][]::new), WORKERS);
            return moments;
        }

        QuantizedMatrix quantized(Solver solver, QuantizationScheme scheme) {
            return solver.quantize("w", weights, Target.of(scheme, Arena.ofAuto(), WORKERS));
        }

        /** The sum of the squared errors of products with inputs that the solver did not see. */
        double outputError(QuantizedMatrix matrix) {
            float[] expected = Dequantizer.toFloats(weights);
            float[] actual = Dequantizer.toFloats(matrix);
            double sum = 0;
            for (float[] input : unseen) {
                for (int row = 0; row < weights.rows(); row++) {
                    double error = 0;
                    for (int k = 0; k < input.length; k++) {
                        int at = row * input.length + k;
                        error += (double) (actual[at] - expected[at]) * input[k];
                    }
                    sum += error * error;
                }
            }
            return sum;
        }
    }

    @RepeatedTest(5)
    void productsWithOtherInputsOfTheKindComeCloserThanByLeastSquares() {
        long seed = Seeds.next();
        Sample sample = Sample.random(seed);
        Solver feedback = ErrorFeedbackSolver.of(sample.moments(), WORKERS);
        int groups = 3 * sample.weights().columns();
        for (QuantizationScheme scheme : List.of(
                NARROW, new HqqScheme(2, 16, groups / 4), new NarrowScheme(3, 16), new HqqScheme(3, 16, groups / 4))) {
            double least = sample.outputError(sample.quantized(new LeastSquaresSolver(), scheme));
            assertThat(sample.outputError(sample.quantized(feedback, scheme)))
                    .as(scheme + ", " + Seeds.hint(seed))
                    .isLessThan(0.6 * least);
        }
    }

    @Test
    void theNumberOfThreadsChangesNoBit() {
        long seed = Seeds.next();
        Sample sample = Sample.random(seed);
        QuantizedMatrix expected = sample.quantized(ErrorFeedbackSolver.of(sample.moments(), WORKERS), NARROW);
        for (int threads : new int[] {1, 3, 5}) {
            try (Workers workers = Workers.open(threads)) {
                Moments moments = new Moments(sample.weights().columns());
                moments.add(sample.seen().toArray(float[][]::new), workers);
                QuantizedMatrix matrix = ErrorFeedbackSolver.of(moments, workers)
                        .quantize("w", sample.weights(), Target.of(NARROW, Arena.ofAuto(), workers));
                assertThat(Dequantizer.toFloats(matrix))
                        .as(Seeds.hint(seed))
                        .containsExactly(Dequantizer.toFloats(expected));
            }
        }
    }

    /** Uncorrelated inputs tell nothing that makes up for an error. */
    @Test
    void uncorrelatedInputsLeaveTheErrorOfLeastSquares() {
        Sample sample = Sample.random(7);
        Moments moments = new Moments(sample.weights().columns());
        float[][] units = new float[moments.columns()][moments.columns()];
        for (int i = 0; i < units.length; i++) {
            units[i][i] = 1;
        }
        moments.add(units, WORKERS);
        double least = squaredError(sample.weights(), sample.quantized(new LeastSquaresSolver(), NARROW));
        double feedback =
                squaredError(sample.weights(), sample.quantized(ErrorFeedbackSolver.of(moments, WORKERS), NARROW));
        assertThat(feedback).isBetween(0.95 * least, 1.05 * least);
    }

    private static double squaredError(DenseMatrix weights, QuantizedMatrix matrix) {
        float[] expected = Dequantizer.toFloats(weights);
        float[] actual = Dequantizer.toFloats(matrix);
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            sum += (double) (actual[i] - expected[i]) * (actual[i] - expected[i]);
        }
        return sum;
    }

    @Test
    void tooFewTokensAreWorthNoFeedback() {
        Moments moments = new Moments(80);
        moments.add(new float[19][80], WORKERS);
        assertThat(ErrorFeedbackSolver.orLeastSquares(moments, WORKERS)).isEqualTo(new LeastSquaresSolver());
        moments.add(new float[1][80], WORKERS);
        assertThat(ErrorFeedbackSolver.orLeastSquares(moments, WORKERS)).isInstanceOf(ErrorFeedbackSolver.class);
    }

    @Test
    void inputsThatAreAllZeroAreNoTrouble() {
        DenseMatrix weights = new RandomMatrices(2).dense(FloatType.F32, 32, 20);
        Moments moments = new Moments(20);
        moments.add(new float[30][20], WORKERS);
        QuantizedMatrix matrix = ErrorFeedbackSolver.of(moments, WORKERS)
                .quantize("w", weights, Target.of(NARROW, Arena.ofAuto(), WORKERS));
        for (float weight : Dequantizer.toFloats(matrix)) {
            assertThat(weight).isFinite();
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        DenseMatrix weights = new RandomMatrices(2).dense(FloatType.F32, 32, 20);
        Solver solver = ErrorFeedbackSolver.of(new Moments(24), WORKERS);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> solver.quantize("w", weights, Target.of(NARROW, Arena.ofAuto(), WORKERS)))
                .withMessageContaining("24 columns for `w`");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, 9000, -1e30f})
    void whatCannotBeQuantizedIsRefusedByNameAndPlace(float value) {
        float[] values = new float[32 * 20];
        values[45] = value;
        DenseMatrix broken =
                new DenseMatrix(FloatType.F32, 32, 20, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values));
        assertThatThrownBy(() -> ErrorFeedbackSolver.of(new Moments(20), WORKERS)
                        .quantize("w", broken, Target.of(NARROW, Arena.ofAuto(), WORKERS)))
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining("`w` has " + value + " at row 2, column 5");
    }

    @RepeatedTest(5)
    void weightsUpToTheLargestStayFinite() {
        long seed = Seeds.next();
        Sample sample = Sample.random(seed);
        SplittableRandom random = new SplittableRandom(seed);
        DenseMatrix large = SolverSample.dense(
                48,
                sample.weights().columns(),
                () -> random.nextBoolean() ? FiniteWeights.LARGEST : -FiniteWeights.LARGEST * random.nextDouble());
        QuantizedMatrix matrix = ErrorFeedbackSolver.of(sample.moments(), WORKERS)
                .quantize("w", large, Target.of(NARROW, Arena.ofAuto(), WORKERS));
        for (float weight : Dequantizer.toFloats(matrix)) {
            assertThat(weight).as(Seeds.hint(seed)).isFinite();
        }
    }
}
