package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cpu.Reference;
import java.util.Arrays;

/**
 * What an operation should give, from two oracles: its definition in double precision, and the CPU library.
 *
 * @param columns of a row; rows differ in magnitude, and are compared each by itself
 * @param exact by the definition
 * @param library from the CPU library; null where it has no such operation
 * @param rounding how far the library may be from the definition, relative to a row's 2-norm
 * @param usual the 2-norm that each row usually has: where its sums happen to cancel, its error is measured by that
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Expected(int columns, double[] exact, float[] library, double rounding, double[] usual) {
    /** Where sums do not cancel, or should not. */
    static Expected of(int columns, double[] exact, float[] library, double rounding) {
        return new Expected(columns, exact, library, rounding, new double[exact.length / columns]);
    }

    /** Of an operation that the library has not. */
    static Expected ofDefinition(int columns, double[] exact) {
        return of(columns, exact, null, 0);
    }

    /** Both oracles are given the same. */
    static Expected input(int columns, float[] values) {
        return of(columns, Reference.widen(values), values, 0);
    }

    int rows() {
        return exact.length / columns;
    }

    /** This and what was there before. */
    Expected plus(float[] before) {
        float[] sums = library.clone();
        for (int i = 0; i < sums.length; i++) {
            sums[i] += before[i];
        }
        return new Expected(columns, OnKernels.add(exact, Reference.widen(before)), sums, rounding, usual);
    }

    /** This, each value by another; exact factors. */
    Expected times(double[] factors) {
        double[] products = exact.clone();
        float[] rounded = library.clone();
        for (int i = 0; i < products.length; i++) {
            products[i] *= factors[i];
            rounded[i] = (float) (rounded[i] * factors[i]);
        }
        double[] norms = new double[rows()];
        Arrays.setAll(norms, row -> usual[row] * norm(factors, row) / Math.sqrt(columns));
        return new Expected(columns, products, rounded, rounding, norms);
    }

    /** All rows are measured by what they are on average. */
    Expected averaged() {
        double[] norms = new double[rows()];
        Arrays.fill(norms, Reference.norm(exact) / Math.sqrt(rows()));
        return new Expected(columns, exact, library, rounding, norms);
    }

    private double norm(double[] values, int row) {
        return Reference.norm(Arrays.copyOfRange(values, row * columns, (row + 1) * columns));
    }

    /** Requires that a result is near to both, to {@code tolerance} relative to each row's 2-norm. */
    void requireNear(float[] actual, double tolerance) {
        assertThat(actual).hasSameSizeAs(exact);
        for (int row = 0; row < rows(); row++) {
            requireRowNear(row, Arrays.copyOfRange(actual, row * columns, (row + 1) * columns), tolerance);
        }
    }

    /** The same for one row. */
    void requireRowNear(int row, float[] actual, double tolerance) {
        requireNear(row, "float64", exactRow(row), actual, tolerance);
        if (library != null) {
            requireNear(row, "the CPU library", Reference.widen(libraryRow(row)), actual, tolerance + rounding);
        }
    }

    /** Requires that the oracles agree. */
    void requireAgreement() {
        for (int row = 0; row < rows(); row++) {
            requireNear(row, "float64, of the CPU library", exactRow(row), libraryRow(row), rounding);
        }
    }

    private double[] exactRow(int row) {
        return Arrays.copyOfRange(exact, row * columns, (row + 1) * columns);
    }

    private float[] libraryRow(int row) {
        return Arrays.copyOfRange(library, row * columns, (row + 1) * columns);
    }

    private void requireNear(int row, String oracle, double[] wanted, float[] actual, double tolerance) {
        Nearness.require("row %d against %s".formatted(row, oracle), actual, wanted, tolerance, usual[row]);
    }
}
