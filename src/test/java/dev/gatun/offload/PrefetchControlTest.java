package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class PrefetchControlTest {
    private static final long BLOCK = 64 << 20;
    private static final long CHUNK = 2 << 20;

    /**
     * Guesses of three ranks, whose precision and lead are given; what is beyond the depth is only compared.
     *
     * @param lead bytes that were there when the choice was known
     */
    private static void guess(PrefetchControl control, Random random, int rounds, double[] precision, long lead) {
        for (int round = 0; round < rounds; round++) {
            for (int rank = 0; rank < precision.length; rank++) {
                boolean right = random.nextDouble() < precision[rank];
                if (rank < control.depth()) {
                    control.copied(rank, right, lead + 2 * CHUNK, 2 * CHUNK);
                } else {
                    control.compared(rank, right);
                }
            }
        }
    }

    @Test
    void whatIsOftenRightIsCopiedAndWhatIsSeldomRightIsNot() {
        PrefetchControl control = new PrefetchControl(3, BLOCK, CHUNK);
        guess(control, new Random(1), 200, new double[] {0.9, 0.8, 0.7}, BLOCK / 2);
        assertThat(control.depth()).isEqualTo(3);
        assertThat(control.turnedDown()).isZero();
        guess(control, new Random(2), 300, new double[] {0.9, 0.8, 0.01}, BLOCK / 2);
        assertThat(control.depth()).isEqualTo(2);
        assertThat(control.turnedDown()).isPositive();
    }

    @Test
    void turnedDownToNothingItRecoversWhenGuessesAreRightAgain() {
        PrefetchControl control = new PrefetchControl(3, BLOCK, CHUNK);
        guess(control, new Random(1), 200, new double[] {0, 0, 0}, BLOCK / 2);
        assertThat(control.depth()).isZero();
        guess(control, new Random(2), 50, new double[] {0.9, 0.9, 0.9}, BLOCK / 2);
        assertThat(control.depth()).isEqualTo(3);
    }

    @Test
    void rightGuessesThatComeTooLateDoNotPayAndAreTriedAgainNowAndThen() {
        PrefetchControl control = new PrefetchControl(1, BLOCK, CHUNK);
        Random random = new Random(1);
        guess(control, random, 400, new double[] {0.5}, 0);
        assertThat(control.breakEven()).isGreaterThan(0.5);
        int copied = 0;
        for (int round = 0; round < 5000; round++) {
            copied += control.depth();
            guess(control, random, 1, new double[] {0.5}, 0);
        }
        assertThat(copied).isBetween(1, 1000);
        guess(control, random, 3000, new double[] {0.5}, BLOCK / 2);
        assertThat(control.depth())
                .as("a trial showed that they come in time now")
                .isEqualTo(1);
    }

    @Test
    void withoutGuessesNothingIsDecided() {
        assertThat(new PrefetchControl(0, BLOCK, CHUNK).depth()).isZero();
    }
}
