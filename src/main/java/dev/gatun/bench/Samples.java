package dev.gatun.bench;

import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Rates of repeated runs.
 *
 * @param values at least one, in the order of the runs
 */
public record Samples(List<Double> values) {
    public Samples {
        values = List.copyOf(values);
        if (values.isEmpty()) {
            throw new IllegalArgumentException("no samples");
        }
    }

    /** The arithmetic mean. */
    public double mean() {
        return stream().sum() / values.size();
    }

    /** The standard deviation as a sample has it, with n - 1 below; 0 for one value. */
    public double deviation() {
        double mean = mean();
        double squares = stream().map(value -> (value - mean) * (value - mean)).sum();
        return values.size() == 1 ? 0 : Math.sqrt(squares / (values.size() - 1));
    }

    /** The one in the middle, or the mean of the two there. */
    public double median() {
        double[] sorted = stream().sorted().toArray();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private DoubleStream stream() {
        return values.stream().mapToDouble(Double::doubleValue);
    }
}
