package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Rows of fp16; those of h are levelled in {@link BatchExpertsTest}. */
class RowsTest extends OnBatches {
    RowsTest() {
        super("rows");
    }

    @Test
    void rowsAreScaledByAPowerOfTwoAndPadded() {
        forCases(sample -> {
            int tokens = sample.integer("tokens", 1, 1, 60);
            Rows rows = new Rows(sample, tokens, sample.integer("columns", 4, 1, 900), sample.flag("norm"));
            gpu.twice(rows::launch);
            float[] factors = rows.factors.floats();
            for (int t = 0; t < tokens; t++) {
                checkRow(rows, t, factors[t]);
            }
        });
    }

    private static void checkRow(Rows rows, int token, float factor) {
        short[] halves = rows.halves.halves();
        int width = padded(rows.columns);
        float[] values = new float[rows.columns];
        float largest = 0;
        for (int k = 0; k < width; k++) {
            float half = Float.float16ToFloat(halves[token * width + place(k)]);
            largest = Math.max(largest, Math.abs(half));
            if (k < rows.columns) {
                values[k] = half * factor;
            } else {
                assertThat(half).isZero();
            }
        }
        rows.values.requireRowNear(token, values, 5e-4);
        assertThat(factor).as("a power of two").isEqualTo(Math.scalb(1f, Math.getExponent(factor)));
        if (largest == 0) {
            assertThat(factor).isEqualTo(1);
        } else {
            assertThat(largest).isBetween(0x1p14f, 0x1p15f);
        }
    }

    /** A lane of the tensor core has columns 4c and 4c + 1 in the first half of sixteen, 4c + 2 and 4c + 3 in the second. */
    private static int place(int column) {
        int lane = column % 16 / 4;
        return column / 16 * 16 + column % 4 / 2 * 8 + 2 * lane + column % 2;
    }
}
