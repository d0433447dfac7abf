package dev.gatun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;

class PerplexityTest {
    private static final PerplexityOptions DEFAULTS = PerplexityOptions.defaults();

    private static String heldOut() throws IOException {
        return Files.readString(Path.of(System.getProperty("gatun.test.data"), "heldout.txt"));
    }

    private static Perplexity of(String text, PerplexityOptions options) {
        try (Model model = DemoModel.open()) {
            return model.perplexity(text, options, PerplexityListener.NONE);
        }
    }

    /** Both numbers are those of the original HQQ library. */
    @Test
    void theQuantizedModelHasItsReferencesPerplexity() throws IOException {
        Perplexity each = of(heldOut(), DEFAULTS);
        assertThat(each.value()).isCloseTo(19.0803, within(19.0803 * 0.005));
        assertThat(each.tokens()).isEqualTo(27207);
        assertThat(each.windows()).isEqualTo(27);
        // About 2.4 nats of deviation a token.
        assertThat(each.standardError() / each.value()).isBetween(0.01, 0.025);
        Perplexity plain = of(heldOut(), DEFAULTS.withBeginEach(false));
        assertThat(plain.value()).isCloseTo(20.1048, within(20.1048 * 0.005));
        assertThat(plain.tokens()).isEqualTo(27181);
    }

    @Test
    void overlappingWindowsPredictBetterAndEachTokenOnce() throws IOException {
        String text = heldOut().substring(0, 6000);
        PerplexityOptions apart = DEFAULTS.withBeginEach(false).withWindow(128);
        Perplexity alone = of(text, apart);
        Perplexity overlapping = of(text, apart.withStride(32));
        assertThat(overlapping.value()).isLessThan(alone.value() * 0.97);
        assertThat(overlapping.tokens()).isEqualTo(alone.tokens() + alone.windows() - 1);
    }

    @Test
    void theListenerHearsOfEachWindowAndCanEndIt() throws IOException {
        String text = heldOut();
        List<Perplexity> heard = new ArrayList<>();
        PerplexityOptions options = DEFAULTS.withWindow(64).withMostWindows(5);
        try (Model model = DemoModel.open()) {
            Perplexity last = model.perplexity(text, options, (soFar, all) -> {
                assertThat(all).isEqualTo(5);
                heard.add(soFar);
            });
            assertThat(heard).hasSize(5).extracting(Perplexity::windows).containsExactly(1, 2, 3, 4, 5);
            assertThat(heard).last().isEqualTo(last);
            assertThat(last.tokens()).isEqualTo(5 * 63);
            assertThatThrownBy(() -> model.perplexity(text, options, (soFar, all) -> {
                        throw new CancellationException("enough");
                    }))
                    .hasMessage("enough");
            assertThat(model.perplexity(text, options, PerplexityListener.NONE)).isEqualTo(last);
        }
    }

    @Test
    void whatCannotBeEvaluatedIsRefused() {
        assertRefused("", DEFAULTS, "too short");
        assertRefused("text", DEFAULTS.withWindow(4096), "2048");
        assertRefused("some text", DEFAULTS.withWindow(8).withStride(8), "stride: 8");
        assertThatThrownBy(() -> DEFAULTS.withWindow(1)).hasMessageContaining("window: 1");
        assertThatThrownBy(() -> DEFAULTS.withStride(0)).hasMessageContaining("stride: 0");
        assertThatThrownBy(() -> DEFAULTS.withMostWindows(0)).hasMessageContaining("most windows: 0");
        assertThatThrownBy(() -> DEFAULTS.withKeyValueBits(8)).hasMessageContaining("8 is neither");
    }

    private static void assertRefused(String text, PerplexityOptions options, String named) {
        assertThatThrownBy(() -> of(text, options))
                .isInstanceOf(GatunException.class)
                .hasMessageContaining(named);
    }
}
