package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Seeds;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class LeastSquaresFitTest {
    private static final int SIZE = 6;
    private static final int TOP = 3;

    /** All 4^6 ways to give six weights a code of 2 bits, each with its best scale and offset. */
    @RepeatedTest(10)
    void theErrorIsNearTheLeastThatAnyCodesLeave() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        float[][] weights = new float[SIZE][Grid.LANES];
        for (float[] row : weights) {
            for (int i = 0; i < row.length; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        float[] scales = new float[Grid.LANES];
        float[] zeros = new float[Grid.LANES];
        new LeastSquaresFit(SIZE, Grid.LANES, TOP).fit(weights, scales, zeros);
        double found = 0;
        double least = 0;
        for (int lane = 0; lane < Grid.LANES; lane++) {
            double error = error(weights, lane, scales[lane], zeros[lane]);
            double best = leastError(weights, lane);
            assertThat(error).as(Seeds.hint(seed)).isGreaterThan(best * 0.999 - 1e-6);
            found += error;
            least += best;
        }
        assertThat(found).as(Seeds.hint(seed)).isLessThan(1.25 * least);
    }

    /** Refused before they come here; were they not, no fit of another block would be taken for theirs. */
    @Test
    void whatFitsNothingKeepsNoFitOfTheBlockBefore() {
        LeastSquaresFit fit = new LeastSquaresFit(SIZE, Grid.LANES, TOP);
        float[] scales = new float[Grid.LANES];
        float[] zeros = new float[Grid.LANES];
        float[][] weights = new float[SIZE][Grid.LANES];
        Arrays.fill(weights[0], 1);
        fit.fit(weights, scales, zeros);
        assertThat(scales[0]).isPositive();
        Arrays.fill(weights[1], 1e30f);
        fit.fit(weights, scales, zeros);
        assertThat(scales).containsOnly(0);
        assertThat(zeros).containsOnly(0);
    }

    private static double error(float[][] weights, int lane, double scale, double zero) {
        double sum = 0;
        for (float[] row : weights) {
            double code = Math.min(Math.max(Math.rint(row[lane] / scale + zero), 0), TOP);
            double difference = (code - zero) * scale - row[lane];
            sum += difference * difference;
        }
        return sum;
    }

    private static double leastError(float[][] weights, int lane) {
        double least = Double.POSITIVE_INFINITY;
        for (int codes = 0; codes < 1 << (2 * SIZE); codes++) {
            least = Math.min(least, residual(weights, lane, codes));
        }
        return least;
    }

    /** Of a straight line through the points (code, weight). */
    private static double residual(float[][] weights, int lane, int codes) {
        double meanCode = 0;
        double meanWeight = 0;
        for (int row = 0; row < SIZE; row++) {
            meanCode += (codes >> (2 * row) & 3) / (double) SIZE;
            meanWeight += weights[row][lane] / (double) SIZE;
        }
        double codeSquares = 0;
        double products = 0;
        double squares = 0;
        for (int row = 0; row < SIZE; row++) {
            double code = (codes >> (2 * row) & 3) - meanCode;
            double weight = weights[row][lane] - meanWeight;
            codeSquares += code * code;
            products += code * weight;
            squares += weight * weight;
        }
        return squares - (codeSquares == 0 ? 0 : products * products / codeSquares);
    }
}
