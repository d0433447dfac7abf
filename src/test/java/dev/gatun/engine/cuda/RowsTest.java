package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Rows of fp16. */
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

    @Test
    void blocksOfARowAreBroughtToTheCellOfTheLargest() {
        forCases(sample -> new Cells(sample).check());
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

    /** What gate and up leave: rows whose blocks of groups are each in a cell of their own. */
    private final class Cells {
        private static final int GROUPS = 8;
        private static final int LEAST = -9;
        private static final int MOST = 11;

        private final boolean isWide;
        private final boolean inSixteens;
        private final int groupRows;
        private final int width;
        private final int blocks;
        private final int[] offsets;
        private final int launched;
        private final short[] h;
        private final byte[] cells;

        Cells(Sample sample) {
            isWide = sample.flag("wide");
            inSixteens = !isWide && sample.flag("in sixteens");
            groupRows = inSixteens ? sample.integer("ffn / 16", 16, 1, 5) : sample.integer("ffn / 16", 1, 1, 90);
            width = padded(16 * groupRows);
            blocks = tiles(groupRows, GROUPS);
            int first = sample.integer("first", 0, 2);
            int second = first + sample.integer("rows of the first expert", 0, 20);
            offsets = new int[] {first, second, second + sample.integer("of the second", 1, 20)};
            // Choices of unknown experts have no rows.
            launched = offsets[2] - first + sample.integer("unknown", 0, 3);
            h = sample.halves(offsets[2] * width, 500);
            cells = new byte[offsets[2] * blocks];
            int spread = sample.oneOf("spread", 1, 2, 3, MOST - LEAST + 1);
            int least = sample.integer("least", LEAST, MOST + 1 - spread);
            for (int i = 0; i < cells.length; i++) {
                cells[i] = (byte) (least + sample.below(spread));
            }
        }

        void check() {
            Region levelled = gpu.output(MemorySegment.ofArray(h));
            Region factors = gpu.outputFloats(offsets[2]);
            run(levelled, factors);
            short[] expected = h.clone();
            for (int row = offsets[0]; row < offsets[2]; row++) {
                int top = top(row);
                level(row, top, expected);
                assertThat(factors.floats()[row]).isEqualTo(Math.scalb(1f, 12 * top - 9));
            }
            assertThat(levelled.halves()).containsExactly(expected);
            for (int row = 0; row < offsets[0]; row++) {
                assertThat(factors.floats()[row]).as("not written").isNaN();
            }
        }

        private void run(Region levelled, Region factors) {
            LaunchShape shape = LaunchShape.of(launched, 128);
            Region found = gpu.input(MemorySegment.ofArray(cells));
            Region begins = gpu.input(offsets);
            int ffn = 16 * groupRows;
            if (isWide) {
                gpu.run("gatun_level_rows_q2", shape, levelled, found, begins, 2, ffn, factors);
            } else {
                gpu.run("gatun_level_rows_q2n", shape, levelled, found, begins, 2, ffn, factors, inSixteens ? 1 : 0);
            }
        }

        private int groupOf(int column) {
            if (isWide) {
                return column / 16;
            }
            return inSixteens ? column / 256 * 16 + column % 16 : column % groupRows;
        }

        private int top(int row) {
            return IntStream.range(row * blocks, (row + 1) * blocks)
                    .map(i -> cells[i])
                    .max()
                    .orElseThrow();
        }

        /** A value times 2^(12 cell - 9) stays what it is, but for its rounding. */
        private void level(int row, int top, short[] values) {
            for (int column = 0; column < 16 * groupRows; column++) {
                int cell = cells[row * blocks + groupOf(column) / GROUPS];
                int at = row * width + place(column);
                if (cell != top) {
                    double exact = Float.float16ToFloat(values[at]) * Math.pow(2, 12 * (cell - top));
                    values[at] = Float.floatToFloat16((float) exact);
                }
            }
        }
    }
}
