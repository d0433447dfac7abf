package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.cuda.RequiresGpu;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Laws of the kernels of one file, each for {@code gatun.test.cases} random cases. */
@RequiresGpu
abstract class OnKernels {
    static final int ERROR_NAN = 1;
    static final int ERROR_ABSENT = 2;
    static final int ERROR_TIMEOUT = 8;
    static final int ERROR_ID = 4;

    private static final int CASES = Integer.getInteger("gatun.test.cases", 12);

    private final String[] files;
    KernelFile gpu;

    OnKernels(String... files) {
        this.files = files;
    }

    @BeforeEach
    void open() {
        gpu = new KernelFile(files);
    }

    @AfterEach
    void close() {
        if (gpu != null) {
            gpu.close();
        }
    }

    void forCases(Consumer<Sample> law) {
        for (int i = 0; i < CASES; i++) {
            forCase(law);
        }
    }

    void forCase(Consumer<Sample> law) {
        long seed = Seeds.next();
        Sample sample = new Sample(new SplittableRandom(seed));
        try {
            law.accept(sample);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(sample + " failed, " + Seeds.hint(seed) + ": " + e.getMessage(), e);
        } finally {
            gpu.clear();
        }
    }

    /** Relative to the 2-norm of what is expected; and no value is off by more than eight times the average. */
    static void assertNear(float[] actual, double[] expected, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        assertNear(actual, expected, 0, expected.length, tolerance);
    }

    /** Each row by itself: tokens differ in magnitude. */
    static void assertRowsNear(float[] actual, double[] expected, int columns, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int from = 0; from < expected.length; from += columns) {
            assertNear(actual, expected, from, from + columns, tolerance);
        }
    }

    /**
     * Each row by itself, of products that are rounded to 16 bits on the way: where a row's sums happen to cancel, its
     * error is measured by what such an input gives on average.
     *
     * @param inputs the rows that the rows come from
     */
    static void assertRowsNear(float[] actual, double[] expected, int columns, double tolerance, double[] inputs) {
        assertThat(actual).hasSameSizeAs(expected);
        int rows = expected.length / columns;
        int width = inputs.length / rows;
        double[] sizes = new double[rows];
        double gain = 0;
        for (int row = 0; row < rows; row++) {
            sizes[row] = norm(inputs, row * width, (row + 1) * width);
            double relative = sizes[row] == 0 ? 0 : norm(expected, row * columns, (row + 1) * columns) / sizes[row];
            gain += relative * relative / rows;
        }
        for (int row = 0; row < rows; row++) {
            double least = Math.sqrt(gain) * sizes[row];
            assertNear(actual, expected, row * columns, (row + 1) * columns, tolerance, least);
        }
    }

    private static double norm(double[] values, int from, int to) {
        return Math.sqrt(IntStream.range(from, to)
                .mapToDouble(i -> values[i] * values[i])
                .sum());
    }

    private static void assertNear(float[] actual, double[] expected, int from, int to, double tolerance) {
        assertNear(actual, expected, from, to, tolerance, 0);
    }

    private static void assertNear(
            float[] actual, double[] expected, int from, int to, double tolerance, double least) {
        double norm = Math.max(least, norm(expected, from, to));
        double difference = Math.sqrt(IntStream.range(from, to)
                .mapToDouble(i -> (actual[i] - expected[i]) * (actual[i] - expected[i]))
                .sum());
        // Not "greater than": a NaN must fail.
        assertThat(difference <= tolerance * norm)
                .as("values %d to %d: relative error %s, at most %s", from, to, difference / norm, tolerance)
                .isTrue();
        double most = 8 * tolerance * norm / Math.sqrt(to - from);
        for (int i = from; i < to; i++) {
            double error = Math.abs(actual[i] - expected[i]);
            assertThat(error <= most + tolerance * Math.abs(expected[i]))
                    .as("value %d: %s is not %s", i, actual[i], expected[i])
                    .isTrue();
        }
    }

    static double silu(double v) {
        return v / (1 + Math.exp(-v));
    }

    static double[] add(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray();
    }
}
