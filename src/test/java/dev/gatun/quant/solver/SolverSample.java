package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

/** Weights and a scheme that divides them. */
public record SolverSample(DenseMatrix weights, QuantizationScheme scheme) {
    /** Of any bits, groups of a usual size, and weights of a narrow or a wide distribution, small or large. */
    public static SolverSample random(long seed) {
        return random(seed, List.of(16, 32, 64));
    }

    /** With one of these group sizes. */
    public static SolverSample random(long seed, List<Integer> groupSizes) {
        SplittableRandom random = new SplittableRandom(seed);
        int groupSize = groupSizes.get(random.nextInt(groupSizes.size()));
        // A byte has the highest bits of eight codes of 3.
        List<Integer> widths = groupSize % 8 == 0 ? List.of(2, 3, 4, 8) : List.of(2, 4, 8);
        int bits = widths.get(random.nextInt(widths.size()));
        int rows = groupSize * random.nextInt(1, 5);
        int columns = 4 * random.nextInt(1, 80);
        DoubleSupplier values = random.nextBoolean() ? random::nextGaussian : () -> Math.pow(random.nextGaussian(), 3);
        double scale = Math.pow(2, random.nextInt(-8, 4));
        QuantizationScheme scheme = random.nextBoolean()
                ? new NarrowScheme(bits, groupSize)
                : new HqqScheme(bits, groupSize, rows / groupSize * columns / 4);
        return new SolverSample(dense(rows, columns, () -> scale * values.getAsDouble()), scheme);
    }

    /** A matrix of float32. */
    public static DenseMatrix dense(int rows, int columns, DoubleSupplier values) {
        float[] weights = new float[rows * columns];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) values.getAsDouble();
        }
        return new DenseMatrix(
                FloatType.F32, rows, columns, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, weights));
    }

    /** What a solver makes of it. */
    public QuantizedMatrix quantized(Solver solver, Workers workers) {
        return solver.quantize("w", weights, Target.of(scheme, Arena.ofAuto(), workers));
    }

    /** The sum of the squared errors. */
    public double error(QuantizedMatrix matrix) {
        return error(weights, matrix);
    }

    static double error(DenseMatrix weights, QuantizedMatrix matrix) {
        double[] expected = Dequantizer.toDoubles(weights);
        double[] actual = Dequantizer.toDoubles(matrix);
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            sum += (actual[i] - expected[i]) * (actual[i] - expected[i]);
        }
        return sum;
    }
}
