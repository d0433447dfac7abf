package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Seeds;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AffineTest {
    @RepeatedTest(50)
    void aValueWithinTheRangeIsRoundedByLittleMoreThanHalfAStep() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        float middle = (float) (random.nextGaussian() * 3);
        float width = (float) (0.1 + random.nextDouble());
        int top = random.nextBoolean() ? 15 : 255;
        Affine affine = Affine.over(middle - width, middle + width, top);
        for (int i = 0; i < 100; i++) {
            float value = (float) (middle + width * (2 * random.nextDouble() - 1));
            // The ends may lie out of reach by what binary16 makes of step and zero.
            float slack = affine.step() * (0.5f + top / 2048f + Math.abs(affine.zero()) / 2048f) + 1e-6f;
            assertThat(affine.value(affine.code(value, top)))
                    .as(affine + ", " + Seeds.hint(seed))
                    .isCloseTo(value, within(slack));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "-7, -7", "1e-9, 2e-9", "-1e-30, 1e-30", "1e6, 1e6", "-3e38, 3e38", "1000, 1000.001"})
    void whatIsStoredIsFiniteWhateverTheRange(float low, float high) {
        for (int top : new int[] {15, 255}) {
            Affine affine = Affine.over(low, high, top);
            assertThat(affine.step()).isPositive().isFinite().isEqualTo(Rounding.half(affine.step()));
            assertThat(affine.zero()).isFinite().isEqualTo(Rounding.half(affine.zero()));
        }
    }
}
