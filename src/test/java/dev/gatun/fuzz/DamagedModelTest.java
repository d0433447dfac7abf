package dev.gatun.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.gatun.BackendPreference;
import dev.gatun.GatunException;
import dev.gatun.GenerationOptions;
import dev.gatun.Model;
import dev.gatun.ModelOptions;
import dev.gatun.Session;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only a whole model can tell: files that do not belong together, and weights that are no numbers. */
class DamagedModelTest {
    private static final short NAN = 0x7fc0;

    @TempDir
    private Path folder;

    @Test
    void aTokenizerWithMoreTokensThanTheModelIsAnotherModels() throws IOException {
        SmallModel.PLAIN.write(folder, 1);
        Files.writeString(folder.resolve("tokenizer.json"), SmallTokenizer.json(true));
        assertRefused()
                .contains(
                        "`" + folder + "`: tokenizer.json has ",
                        " tokens, but config.json's vocab_size is 40; they belong");
    }

    @Test
    void aModelWithoutATokenizerNamesTheFile() throws IOException {
        SmallModel.PLAIN.write(folder, 1);
        Files.delete(folder.resolve("tokenizer.json"));
        assertRefused().contains("tokenizer.json`: no such file; a model folder needs its tokenizer.json");
    }

    @Test
    void aRouterThatGetsNoNumbersIsNamedWithItsLayer() throws IOException {
        SmallModel.PLAIN.write(folder, 1);
        spoil("model.layers.1.post_attention_layernorm.weight");
        assertRefused()
                .contains("model `", "the router of layer 1 got values that are not numbers; the weights are damaged");
    }

    @Test
    void logitsThatAreNoNumbersAreRefused() throws IOException {
        SmallModel.PLAIN.write(folder, 1);
        spoil("model.norm.weight");
        assertRefused()
                .contains(
                        "model `", "logit of token ", "NaN; the model's numbers overflowed or its weights are damaged");
    }

    /** Makes the first number of a tensor, in bf16, none. */
    private void spoil(String tensor) throws IOException {
        for (int shard = 1; shard <= 2; shard++) {
            Path file = folder.resolve("model-0000" + shard + "-of-00002.safetensors");
            byte[] bytes = Files.readAllBytes(file);
            SafetensorsBytes parts = SafetensorsBytes.of(bytes).orElseThrow();
            Matcher offsets = Pattern.compile(
                            Pattern.quote("\"" + tensor + "\"") + ":\\{[^}]*\"data_offsets\":\\[(\\d+),")
                    .matcher(new String(parts.header(), StandardCharsets.UTF_8));
            if (offsets.find()) {
                ByteBuffer.wrap(bytes)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putShort(bytes.length - parts.dataLength() + Integer.parseInt(offsets.group(1)), NAN);
                Files.write(file, bytes);
                return;
            }
        }
        throw new AssertionError("no tensor " + tensor);
    }

    private AbstractStringAssert<?> assertRefused() {
        Throwable thrown = catchThrowable(() -> {
            ModelOptions options =
                    ModelOptions.defaults().withBackend(BackendPreference.CPU).withThreads(1);
            try (Model model = Model.open(folder, options);
                    Session session = model.newSession()) {
                session.generate(new int[] {1, 5}, GenerationOptions.builtIn().withMaxTokens(2), token -> {});
            }
        });
        assertThat(thrown).isExactlyInstanceOf(GatunException.class);
        return assertThat(thrown.getMessage()).doesNotContain("\n");
    }
}
