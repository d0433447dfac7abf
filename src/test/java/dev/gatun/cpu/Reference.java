package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The operations by their definitions, in float64, and how near to them the library must come. */
public final class Reference {
    private Reference() {}

    /** y[t][row] = sum over k of w[row][k] * x[t][k]. */
    public static double[] multiply(double[] w, int rows, int columns, double[] x) {
        int tokens = x.length / columns;
        double[] y = new double[tokens * rows];
        for (int t = 0; t < tokens; t++) {
            for (int row = 0; row < rows; row++) {
                double sum = 0;
                for (int k = 0; k < columns; k++) {
                    sum += w[row * columns + k] * x[t * columns + k];
                }
                y[t * rows + row] = sum;
            }
        }
        return y;
    }

    static double[] multiply(SampleMatrix w, double[] x) {
        return multiply(w.weights(), w.matrix().rows(), w.matrix().columns(), x);
    }

    /** down * (silu(gate * x) * (up * x)) for one token. */
    static double[] expert(SampleMatrix gate, SampleMatrix up, SampleMatrix down, double[] x) {
        double[] g = multiply(gate, x);
        double[] u = multiply(up, x);
        double[] h = IntStream.range(0, g.length)
                .mapToDouble(i -> g[i] / (1 + Math.exp(-g[i])) * u[i])
                .toArray();
        return multiply(down, h);
    }

    public static double[] rmsNorm(double[] weight, double epsilon, double[] x) {
        int columns = weight.length;
        double[] y = new double[x.length];
        for (int start = 0; start < x.length; start += columns) {
            double squares = 0;
            for (int k = 0; k < columns; k++) {
                squares += x[start + k] * x[start + k];
            }
            double root = Math.sqrt(squares / columns + epsilon);
            for (int k = 0; k < columns; k++) {
                y[start + k] = x[start + k] / root * weight[k];
            }
        }
        return y;
    }

    /**
     * Attention of one query head over keys and values [positions][size], from {@code first} to {@code last} inclusive.
     */
    static double[] attend(double[] query, double[] keys, double[] values, int first, int last) {
        int size = query.length;
        double[] scores = new double[last - first + 1];
        for (int p = first; p <= last; p++) {
            for (int i = 0; i < size; i++) {
                scores[p - first] += query[i] * keys[p * size + i] / Math.sqrt(size);
            }
        }
        double[] weights = softmax(scores);
        double[] y = new double[size];
        for (int p = first; p <= last; p++) {
            for (int i = 0; i < size; i++) {
                y[i] += weights[p - first] * values[p * size + i];
            }
        }
        return y;
    }

    static double[] softmax(double[] scores) {
        double max = IntStream.range(0, scores.length)
                .mapToDouble(i -> scores[i])
                .max()
                .orElseThrow();
        double[] weights = IntStream.range(0, scores.length)
                .mapToDouble(i -> Math.exp(scores[i] - max))
                .toArray();
        double sum =
                IntStream.range(0, weights.length).mapToDouble(i -> weights[i]).sum();
        return IntStream.range(0, weights.length)
                .mapToDouble(i -> weights[i] / sum)
                .toArray();
    }

    /** The relative error of sums in float32. */
    public static final double FLOATS = 1e-5;

    /** The same where scaled inputs are rounded to 16 bits of the largest of a block. */
    public static final double WORDS = 5e-4;

    /** The best experts of one token: the larger logit first, then the lower id. */
    static List<Integer> route(float[] logits, int topK) {
        return IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(id -> -logits[id]).thenComparing(id -> id))
                .limit(topK)
                .toList();
    }

    public static double[] widen(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    /** The 2-norm. */
    public static double norm(double[] values) {
        double squares = 0;
        for (double value : values) {
            squares += value * value;
        }
        return Math.sqrt(squares);
    }

    /** The two differ by at most {@code tolerance}, relative to the 2-norm of what is expected. */
    static void assertNear(float[] actual, double[] expected, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        double[] errors = new double[actual.length];
        for (int i = 0; i < actual.length; i++) {
            errors[i] = actual[i] - expected[i];
        }
        // Not "greater than": a NaN must fail.
        assertThat(norm(errors) <= tolerance * norm(expected))
                .as("error of %s, at most %s of %s", norm(errors), tolerance, norm(expected))
                .isTrue();
    }
}
