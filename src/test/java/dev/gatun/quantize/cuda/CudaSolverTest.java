package dev.gatun.quantize.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.RandomMatrices;
import dev.gatun.quant.solver.HqqSolver;
import dev.gatun.quant.solver.LeastSquaresSolver;
import dev.gatun.quant.solver.QuantizationException;
import dev.gatun.quant.solver.SolverSample;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The solvers on a GPU make what those on the CPU make. */
@RequiresGpu
class CudaSolverTest {
    /** Those with kernels of their own, and others: of few rows, of many, of no power of two. */
    private static final List<Integer> GROUP_SIZES = List.of(4, 16, 32, 48, 64, 128);

    private static final Workers WORKERS = Workers.open(2);
    private static CudaSolver leastSquares;
    private static CudaSolver hqq;

    @BeforeAll
    static void open() {
        CudaDevice device = CudaDevice.open(0);
        leastSquares = CudaSolver.leastSquares(device);
        hqq = CudaSolver.hqq(device);
    }

    @AfterAll
    static void close() {
        leastSquares.close();
        hqq.close();
        WORKERS.close();
    }

    private static void requireSameBits(QuantizedMatrix actual, QuantizedMatrix expected, String what) {
        requireSame(actual.codes(), expected.codes(), "codes, " + what);
        switch (expected) {
            case NarrowMatrix narrow -> {
                requireSame(((NarrowMatrix) actual).metas(), narrow.metas(), "metas, " + what);
                requireSame(((NarrowMatrix) actual).pairs(), narrow.pairs(), "pairs, " + what);
            }
            case HqqMatrix wide -> requireSameLevels((HqqMatrix) actual, wide, what);
        }
    }

    private static void requireSameLevels(HqqMatrix actual, HqqMatrix expected, String what) {
        requireSame(actual.scaleCodes(), expected.scaleCodes(), "scale codes, " + what);
        requireSame(actual.zeroCodes(), expected.zeroCodes(), "zero codes, " + what);
        requireSame(actual.scaleScales(), expected.scaleScales(), "scales of scales, " + what);
        requireSame(actual.scaleZeros(), expected.scaleZeros(), "zeros of scales, " + what);
        assertThat(actual.zeroScale()).as(what).isEqualTo(expected.zeroScale());
        assertThat(actual.zeroZero()).as(what).isEqualTo(expected.zeroZero());
    }

    private static void requireSame(MemorySegment actual, MemorySegment expected, String what) {
        assertThat(actual.mismatch(expected))
                .as("first byte that differs of the " + what)
                .isEqualTo(-1);
    }

    private static String words(SolverSample sample, long seed) {
        return sample + ", " + Seeds.hint(seed);
    }

    @RepeatedTest(60)
    void leastSquaresAreThoseOfTheCpuToTheBit() {
        long seed = Seeds.next();
        SolverSample sample = SolverSample.random(seed, GROUP_SIZES);
        requireSameBits(
                sample.quantized(leastSquares, WORKERS),
                sample.quantized(new LeastSquaresSolver(), WORKERS),
                words(sample, seed));
    }

    @RepeatedTest(60)
    void hqqLosesWhatItLosesOnTheCpu() {
        long seed = Seeds.next();
        SolverSample sample = SolverSample.random(seed, GROUP_SIZES);
        double expected = sample.error(sample.quantized(new HqqSolver(), WORKERS));
        assertThat(sample.error(sample.quantized(hqq, WORKERS)))
                .as(words(sample, seed))
                .isCloseTo(expected, within(1e-4 * expected));
    }

    @RepeatedTest(20)
    void hqqIsThatOfTheCpuToTheBitWhereErrorsAreSmall() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        DenseMatrix weights = SolverSample.dense(128, 4 * random.nextInt(1, 80), () -> 0.02 * random.nextGaussian());
        for (QuantizationScheme scheme :
                List.of(new NarrowScheme(2, 16), new HqqScheme(4, 64, 2), new HqqScheme(2, 16, 8))) {
            SolverSample sample = new SolverSample(weights, scheme);
            requireSameBits(
                    sample.quantized(hqq, WORKERS), sample.quantized(new HqqSolver(), WORKERS), words(sample, seed));
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyTypeIsReadAsItIsStored(FloatType type) {
        long seed = Seeds.next();
        DenseMatrix weights = new RandomMatrices(seed).dense(type, 96, 332);
        SolverSample sample = new SolverSample(weights, new NarrowScheme(2, 16));
        requireSameBits(
                sample.quantized(leastSquares, WORKERS),
                sample.quantized(new LeastSquaresSolver(), WORKERS),
                words(sample, seed));
    }

    @Test
    void fewerBitsThanTheFieldsHaveAreThoseOfTheCpu() {
        long seed = Seeds.next();
        DenseMatrix weights = new RandomMatrices(seed).dense(FloatType.F32, 128, 132);
        Target target = new Target(new HqqScheme(4, 64, 8), 3, Arena.ofAuto(), WORKERS);
        requireSameBits(
                leastSquares.quantize("w", weights, target),
                new LeastSquaresSolver().quantize("w", weights, target),
                Seeds.hint(seed));
    }

    /** More than the pieces in which it is copied, and rows of more blocks than a thread block sums at once. */
    @Test
    void aLargeMatrixIsThatOfTheCpuToTheBit() {
        long seed = Seeds.next();
        DenseMatrix weights = new RandomMatrices(seed).dense(FloatType.BF16, 256, 33_604);
        for (QuantizationScheme scheme : List.of(new NarrowScheme(2, 16), new HqqScheme(2, 16, 16))) {
            SolverSample sample = new SolverSample(weights, scheme);
            requireSameBits(
                    sample.quantized(leastSquares, WORKERS),
                    sample.quantized(new LeastSquaresSolver(), WORKERS),
                    words(sample, seed));
            requireSameBits(
                    sample.quantized(hqq, WORKERS), sample.quantized(new HqqSolver(), WORKERS), words(sample, seed));
        }
    }

    @Test
    void matricesThatGoThroughAtOnceDoNotMix() {
        long seed = Seeds.next();
        List<SolverSample> samples = IntStream.range(0, 40)
                .mapToObj(i -> SolverSample.random(seed + i, GROUP_SIZES))
                .toList();
        List<QuantizedMatrix> expected = samples.stream()
                .map(sample -> sample.quantized(new LeastSquaresSolver(), WORKERS))
                .toList();
        try (Workers callers = Workers.open(2 * leastSquares.matricesAtOnce())) {
            callers.run(
                    samples.size(),
                    i -> requireSameBits(
                            samples.get(i).quantized(leastSquares, WORKERS),
                            expected.get(i),
                            i + ", " + Seeds.hint(seed)));
        }
    }

    @Test
    void largeWeightsBecomeWhatTheyDoOnTheCpu() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        SolverSample sample = new SolverSample(
                SolverSample.dense(64, 140, () -> 8192 * random.nextDouble(-1, 1)), new NarrowScheme(2, 16));
        requireSameBits(
                sample.quantized(leastSquares, WORKERS),
                sample.quantized(new LeastSquaresSolver(), WORKERS),
                Seeds.hint(seed));
    }

    @Test
    void aLaneIsOfUseAgainAfterAMatrixThatWasRefused() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        DenseMatrix bad = SolverSample.dense(16, 8, () -> Double.NaN);
        SolverSample good = new SolverSample(SolverSample.dense(16, 8, random::nextGaussian), new NarrowScheme(2, 16));
        QuantizedMatrix expected = good.quantized(new LeastSquaresSolver(), WORKERS);
        for (int i = 0; i < 2 * leastSquares.matricesAtOnce(); i++) {
            assertThatThrownBy(() -> new SolverSample(bad, good.scheme()).quantized(leastSquares, WORKERS))
                    .isInstanceOf(QuantizationException.class)
                    .hasMessageContaining("`w` has NaN at row 0, column 0");
            requireSameBits(good.quantized(leastSquares, WORKERS), expected, Seeds.hint(seed));
        }
    }
}
