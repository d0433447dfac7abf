package dev.gatun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.cuda.RequiresGpu;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** On a GPU a model has the perplexity that the original HQQ library computes, as {@link PerplexityTest} has it on the CPU. */
@Tag("model")
@RequiresGpu
class PerplexityOnGpuTest {
    @Test
    void theQuantizedModelHasItsReferencesPerplexity() throws IOException {
        String text = Files.readString(Path.of(System.getProperty("gatun.test.data"), "heldout.txt"));
        ModelOptions options = ModelOptions.defaults().withBackend(BackendPreference.CUDA);
        try (Model model = Model.open(DemoModel.FOLDER, options)) {
            Perplexity perplexity = model.perplexity(text, PerplexityOptions.defaults(), PerplexityListener.NONE);
            assertThat(perplexity.value()).isCloseTo(19.0803, within(19.0803 * 0.005));
        }
    }
}
