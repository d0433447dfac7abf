package dev.gatun.engine.cpu;

import dev.gatun.cpu.FloatMatrix;

/** Activations on the heap, an array for each token. */
final class TokenRows {
    private TokenRows() {}

    static float[][] of(FloatMatrix matrix) {
        float[][] rows = new float[matrix.rows()][];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = matrix.rows(row, 1).toArray();
        }
        return rows;
    }
}
