package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Seeds;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class MomentsTest {
    private static final Workers WORKERS = Workers.open(2);

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    @RepeatedTest(10)
    void sumsAreThoseOfAllPairs() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        int columns = random.nextInt(1, 40);
        float[][] inputs = RandomInputs.of(random, random.nextInt(1, 200), columns);
        Moments moments = new Moments(columns);
        moments.add(inputs, WORKERS);
        moments.add(inputs, WORKERS);
        assertThat(moments.tokens()).isEqualTo(2L * inputs.length);
        for (int i = 0; i < columns; i++) {
            for (int j = 0; j < columns; j++) {
                double sum = 0;
                for (float[] input : inputs) {
                    sum += 2.0 * input[i] * input[j];
                }
                assertThat(moments.get(i, j)).as(Seeds.hint(seed)).isCloseTo((float) sum, within((float)
                        (1e-5 * inputs.length * Math.max(1, Math.abs(sum)))));
            }
        }
    }

    @Test
    void tokensOfAnotherLengthAreRefused() {
        Moments moments = new Moments(3);
        assertThatIllegalArgumentException().isThrownBy(() -> moments.add(new float[][] {{1, 2, 3}, {1, 2}}, WORKERS));
        assertThat(moments.tokens()).isZero();
        assertThatIllegalArgumentException().isThrownBy(() -> new Moments(0));
    }

    @RepeatedTest(10)
    void theFactorTimesItsTransposeIsTheMatrix() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        int size = random.nextInt(1, 100);
        float[][] rows = positiveDefinite(random, size);
        float[][] factor = new float[size][];
        for (int i = 0; i < size; i++) {
            factor[i] = rows[i].clone();
        }
        Cholesky.factor(factor, 1, WORKERS);
        for (int i = 0; i < size; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = 0;
                for (int k = i; k < size; k++) {
                    sum += (double) factor[k][i] * factor[k][j];
                }
                assertThat(sum).as(Seeds.hint(seed)).isCloseTo(rows[i][j], within(1e-5 * rows[i][i]));
            }
        }
    }

    private static float[][] positiveDefinite(SplittableRandom random, int size) {
        Moments moments = new Moments(size);
        moments.add(RandomInputs.of(random, 2 * size, size), WORKERS);
        float[][] rows = new float[size][];
        for (int i = 0; i < size; i++) {
            rows[i] = new float[i + 1];
            for (int j = 0; j <= i; j++) {
                rows[i][j] = moments.get(i, j) + (i == j ? 1 : 0);
            }
        }
        return rows;
    }
}
