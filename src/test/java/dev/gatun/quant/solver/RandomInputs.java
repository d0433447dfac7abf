package dev.gatun.quant.solver;

import java.util.SplittableRandom;

/** Inputs of a matrix for tests: few directions, of falling strength, and some noise. */
final class RandomInputs {
    private RandomInputs() {}

    static float[][] of(SplittableRandom random, int tokens, int columns) {
        int directions = Math.max(1, columns / 4);
        double[][] mixing = new double[directions][columns];
        for (int i = 0; i < directions; i++) {
            for (int j = 0; j < columns; j++) {
                mixing[i][j] = random.nextGaussian() / (1 + i);
            }
        }
        float[][] inputs = new float[tokens][columns];
        for (float[] input : inputs) {
            for (double[] direction : mixing) {
                double strength = random.nextGaussian();
                for (int j = 0; j < columns; j++) {
                    input[j] += (float) (strength * direction[j]);
                }
            }
            for (int j = 0; j < columns; j++) {
                input[j] += (float) (0.1 * random.nextGaussian());
            }
        }
        return inputs;
    }
}
