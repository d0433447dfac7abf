package dev.gatun.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class TextWindowTest {
    private static final int BEGIN = -7;

    /** Tokens that tell their places. */
    private static int[] text(int tokens) {
        return IntStream.range(0, tokens).toArray();
    }

    @Test
    void windowsWithoutOverlapCoverTheText() {
        assertThat(TextWindow.of(text(10), OptionalInt.empty(), 4, 4))
                .extracting(window -> Arrays.toString(window.tokens()) + " from " + window.firstScored())
                .containsExactly("[0, 1, 2, 3] from 1", "[4, 5, 6, 7] from 1", "[8, 9] from 1");
        assertThat(TextWindow.of(text(7), OptionalInt.of(BEGIN), 4, 3))
                .extracting(window -> Arrays.toString(window.tokens()) + " from " + window.firstScored())
                .containsExactly("[-7, 0, 1, 2] from 1", "[-7, 3, 4, 5] from 1", "[-7, 6] from 1");
    }

    @Test
    void aLastTokenThatNothingPredictsMakesNoWindow() {
        assertThat(TextWindow.of(text(9), OptionalInt.empty(), 4, 4)).hasSize(2);
        assertThat(TextWindow.of(text(1), OptionalInt.empty(), 4, 4)).isEmpty();
        assertThat(TextWindow.of(text(0), OptionalInt.of(BEGIN), 4, 3)).isEmpty();
    }

    @RepeatedTest(20)
    void everyTokenIsScoredOnceWithAsMuchBeforeItAsTheWindowHolds() {
        long seed = new SplittableRandom().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        int tokens = random.nextInt(1, 200);
        boolean begins = random.nextBoolean();
        int length = random.nextInt(3, 40);
        // Overlapping, so that each token but the first has one before it.
        int stride = random.nextInt(1, length - 1);
        List<Integer> scored = new ArrayList<>();
        for (TextWindow window :
                TextWindow.of(text(tokens), begins ? OptionalInt.of(BEGIN) : OptionalInt.empty(), length, stride)) {
            int[] all = window.tokens();
            assertThat(all.length).as("seed %d", seed).isLessThanOrEqualTo(length);
            assertThat(all[0] == BEGIN).as("seed %d", seed).isEqualTo(begins);
            Arrays.stream(all).skip(window.firstScored()).forEach(scored::add);
            assertThat(window.firstScored())
                    .as("seed %d", seed)
                    .isGreaterThanOrEqualTo(scored.size() == window.scored() ? 1 : length - stride);
        }
        assertThat(scored)
                .as("seed %d", seed)
                .containsExactlyElementsOf(
                        IntStream.range(begins ? 0 : 1, tokens).boxed().toList());
    }

    @Test
    void aStrideBeyondTheWindowIsRefused() {
        assertThatThrownBy(() -> TextWindow.of(text(9), OptionalInt.of(BEGIN), 4, 4))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> TextWindow.of(text(9), OptionalInt.empty(), 1, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
