package dev.gatun.quant.solver;

import dev.gatun.quant.Dequantizer;
import java.util.Arrays;

/** The weights of one row of groups in float32, to be taken block by block. One object serves one thread. */
final class Strip {
    private final Problem problem;
    private final Grid grid;
    private final float[][] rows;

    Strip(Problem problem) {
        this.problem = problem;
        this.grid = problem.grid();
        this.rows = new float[grid.groupSize()][grid.columns()];
    }

    /**
     * Reads a row of groups.
     *
     * @throws QuantizationException if it holds a NaN, an infinity or a weight above {@link FiniteWeights#LARGEST}
     */
    void load(int groupRow) {
        for (int i = 0; i < rows.length; i++) {
            int row = groupRow + i * grid.groupRows();
            Dequantizer.row(problem.weights(), row, rows[i], 0);
            FiniteWeights.requireQuantizable(problem.name(), row, rows[i]);
        }
    }

    /** Copies the columns of a block to the front of {@code target}, [groupSize][LANES], and zeros behind them. */
    void block(int block, float[][] target) {
        int width = grid.width(block);
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(rows[i], block * Grid.LANES, target[i], 0, width);
            Arrays.fill(target[i], width, Grid.LANES, 0);
        }
    }
}
