package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.quant.HalvesProduct;
import dev.gatun.quant.TileFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The level that has binary16 computes experts with the roundings of the GPU: its results are nearer to those of a model of the
 * GPU than to those without roundings. What is between is the roundings to integers, and those of inner values that
 * they moved across a border.
 */
class GpuRoundingsTest {
    @BeforeAll
    static void thereIsThatLevel() {
        assumeTrue(
                CpuLevel.available().contains(CpuLevel.AVX512FP16),
                () -> "this machine has only " + CpuInfo.ofThisMachine().features());
    }

    @ParameterizedTest
    @EnumSource(
            value = TileFormat.class,
            names = {"Q2", "Q2N"})
    void anExpertIsThatOfTheGpu(TileFormat format) {
        Cases.random(4, random -> compare(random, format, Random::nextGaussian, 0.7, 5e-4));
    }

    /** Few columns are rounded to integers that are small. */
    @ParameterizedTest
    @EnumSource(
            value = TileFormat.class,
            names = {"Q2", "Q2N"})
    void inputsOfOneSizeBringItNearer(TileFormat format) {
        Cases.random(4, random -> compare(random, format, r -> r.nextBoolean() ? 1 : -1.25, 0.6, 3e-4));
    }

    /** Inputs of which a few are much larger than the others. */
    @ParameterizedTest
    @EnumSource(
            value = TileFormat.class,
            names = {"Q2", "Q2N"})
    void inputsOfAllSizesAreNoWorse(TileFormat format) {
        Cases.random(4, random -> compare(random, format, r -> Math.pow(r.nextGaussian(), 3), 0.9, 1e-3));
    }

    private static void compare(
            Random random, TileFormat format, ToDoubleFunction<Random> input, double share, double most) {
        try (Arena arena = Arena.ofConfined();
                CpuPool pool = CpuPool.open(2, CpuLevel.AVX512FP16)) {
            int tokens = Cases.between(random, 1, 4);
            SampleTiles sample = SampleTiles.of(arena, random, format, 1040, 16 * Cases.between(random, 50, 80));
            float size = Math.scalb(1f, Cases.between(random, -16, 16));
            float[] x = new float[tokens * sample.hidden()];
            for (int i = 0; i < x.length; i++) {
                x[i] = size * (float) input.applyAsDouble(random);
            }
            float[] weights = new float[tokens];
            Arrays.fill(weights, 1);
            FloatMatrix y = FloatMatrix.allocate(arena, tokens, sample.hidden());
            pool.addExpert(
                    sample.expert(),
                    Guarded.of(arena, tokens, sample.hidden(), x),
                    arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights),
                    y);
            double[] inputs = Reference.widen(x);
            double[] exact = sample.expected(inputs, weights, 0, sample.slices());
            double[] gpu = sample.expected(HalvesProduct::multiply, inputs, weights, 0, sample.slices());
            assertThat(distance(y, gpu))
                    .as("distance from the GPU's, of the norm")
                    .isLessThan(most)
                    .isLessThan(share * distance(y, exact));
        }
    }

    /** Of the expected values' norm. */
    private static double distance(FloatMatrix actual, double[] expected) {
        double[] errors = Reference.widen(actual.toArray());
        for (int i = 0; i < errors.length; i++) {
            errors[i] -= expected[i];
        }
        return Reference.norm(errors) / Reference.norm(expected);
    }
}
