package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;

/**
 * A matrix inside a larger one: NaN before, between and behind its rows, and at first in it. What reads the surroundings
 * computes NaN, and what writes them is found out.
 *
 * @param whole the larger matrix
 * @param inner the matrix to work with, at no round address
 */
record Guarded(FloatMatrix whole, FloatMatrix inner) {
    private static final int BEFORE = 3;
    private static final int BEHIND = 2;

    static Guarded allocate(Arena arena, int rows, int columns) {
        FloatMatrix whole = FloatMatrix.allocate(arena, rows + 2, BEFORE + columns + BEHIND);
        whole.fill(Float.NaN);
        return new Guarded(whole, whole.rows(1, rows).columns(BEFORE, columns));
    }

    static FloatMatrix of(Arena arena, int rows, int columns, float[] values) {
        FloatMatrix matrix = allocate(arena, rows, columns).inner();
        matrix.copyFrom(values);
        return matrix;
    }

    /** The values, after a look at the surroundings. */
    float[] values() {
        for (int row = 0; row < whole.rows(); row++) {
            for (int column = 0; column < whole.columns(); column++) {
                boolean isInside =
                        row >= 1 && row <= inner.rows() && column >= BEFORE && column < BEFORE + inner.columns();
                if (!isInside) {
                    assertThat(whole.get(row, column))
                            .as("outside, at %d, %d", row, column)
                            .isNaN();
                }
            }
        }
        return inner.toArray();
    }
}
