package dev.gatun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.cuda.CudaAvailability;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.cuda.CudaBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelTest {
    @TempDir
    private Path temporary;

    @Test
    void theBackendAndItsReasonArePartOfTheModel() {
        try (Model model = DemoModel.open()) {
            assertThat(model.backend().name()).isEqualTo("cpu");
            assertThat(model.backend().description()).startsWith("cpu (").endsWith("2 threads)");
            assertThat(model.backend().reason()).isEqualTo("asked for");
        }
    }

    @Test
    void theBestBackendIsTheGpuWhereThereIsOne() {
        boolean hasGpu = CudaBackend.availability() instanceof CudaAvailability.Available;
        try (Model model = Model.open(DemoModel.FOLDER)) {
            assertThat(model.backend().name()).isEqualTo(hasGpu ? "cuda" : "cpu");
            assertThat(model.backend().reason()).isNotEmpty();
        }
    }

    @Test
    void theGpuIsUsedOrRefusedButNeverReplacedWhenAskedFor() {
        ModelOptions options = ModelOptions.defaults().withBackend(BackendPreference.CUDA);
        switch (CudaBackend.availability()) {
            case CudaAvailability.Available some -> {
                try (Model model = Model.open(DemoModel.FOLDER, options)) {
                    assertThat(model.backend().name()).isEqualTo("cuda");
                }
            }
            case CudaAvailability.Unavailable none ->
                assertThatThrownBy(() -> Model.open(DemoModel.FOLDER, options))
                        .isInstanceOf(GatunException.class)
                        .hasMessageStartingWith("backend cuda: " + none.reason());
        }
    }

    @Test
    void schemesThatAreStatedMustBeThoseOfTheFiles() {
        ModelSource source = ModelSource.of(DemoModel.FOLDER).withAttentionScheme(new StoredScheme(4, 64, 256));
        ModelOptions options = ModelOptions.defaults().withBackend(BackendPreference.CPU);
        Model.open(source.withExpertScheme(new StoredScheme(2, 16, 128)), options, LoadingListener.NONE)
                .close();
        assertThatThrownBy(() ->
                        Model.open(source.withExpertScheme(new StoredScheme(2, 16, 64)), options, LoadingListener.NONE))
                .isInstanceOf(GatunException.class)
                .hasMessageContaining("2/16/128 (bits/group/scale group), but --expert-scheme says 2/16/64");
        assertThatThrownBy(() -> new StoredScheme(5, 20, 64))
                .isInstanceOf(GatunException.class)
                .hasMessage("scheme: codes of 5 bits: 2, 3, 4 or 8 are supported");
    }

    @Test
    void aChunkThatFailsLeavesTheSequenceAsItWas() {
        try (Model model = DemoModel.open();
                KvCache cache = model.runningBackend().newKvCache(64, KvPrecision.F16)) {
            model.forward(new int[] {1, 2, 3}, cache, logits -> 0, cost -> {}, Optional.empty());
            assertThatThrownBy(() -> model.forward(
                            new int[] {4, 5},
                            cache,
                            logits -> {
                                throw new IllegalStateException("too late");
                            },
                            cost -> {},
                            Optional.empty()))
                    .hasMessage("too late");
            assertThat(cache.length()).isEqualTo(3);
        }
    }

    /** A backend is called by one thread at a time, and its memory may be waited for. */
    @Test
    void aSessionIsClosedBetweenTheChunksOfOthers() {
        try (Model model = DemoModel.open();
                KvCache cache = model.runningBackend().newKvCache(64, KvPrecision.F16);
                Session other = model.newSession()) {
            Thread closing = new Thread(other::close);
            model.forward(
                    new int[] {1, 2, 3},
                    cache,
                    logits -> {
                        closing.start();
                        assertThat(hasEnded(closing, Duration.ofMillis(300))).isFalse();
                        return 0;
                    },
                    cost -> {},
                    Optional.empty());
            assertThat(hasEnded(closing, Duration.ofSeconds(60))).isTrue();
        }
    }

    private static boolean hasEnded(Thread thread, Duration patience) {
        try {
            return thread.join(patience);
        } catch (InterruptedException stopped) {
            throw new AssertionError(stopped);
        }
    }

    @Test
    void theModelsOwnSamplingStandsInItsDefaults() {
        try (Model model = DemoModel.open()) {
            GenerationOptions options = model.defaultOptions();
            assertThat(options.temperature()).isEqualTo(0.7);
            assertThat(options.topP()).isEqualTo(0.9);
            assertThat(options.repetitionPenalty()).isEqualTo(1.1);
            assertThat(options.minP()).isEqualTo(GenerationOptions.builtIn().minP());
        }
    }

    @Test
    void keyValueBytesAreThoseOfTheShape() {
        try (Model model = DemoModel.open();
                Session session = model.newSession(SessionOptions.defaults().withContextLength(100))) {
            assertThat(session.keyValueBytes()).isEqualTo(2L * 5 * 2 * 32 * 100 * 2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tokenizer.json", "config.json", "model-00007-of-00041.safetensors"})
    void aFolderThatLacksAFileIsRefusedInOneLineThatNamesIt(String missing) throws IOException {
        copyDemo();
        Files.delete(temporary.resolve(missing));
        assertThatThrownBy(() -> Model.open(temporary))
                .isInstanceOf(GatunException.class)
                .hasMessageContaining(missing)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void aTokenizerOfAnotherModelIsRefused() throws IOException {
        copyDemo();
        Path other = Path.of(System.getProperty("gatun.test.data"), "mistral-tokenizer", "tokenizer.json");
        Files.copy(other, temporary.resolve("tokenizer.json"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> Model.open(temporary))
                .isInstanceOf(GatunException.class)
                .hasMessageContaining("32000")
                .hasMessageContaining("2048");
    }

    private void copyDemo() throws IOException {
        try (Stream<Path> files = Files.list(DemoModel.FOLDER)) {
            for (Path file : files.toList()) {
                Files.copy(file, temporary.resolve(file.getFileName()));
            }
        }
    }

    @Test
    void contextsBeyondTheModelsAreRefused() {
        try (Model model = DemoModel.open()) {
            assertThatThrownBy(() -> model.newSession(SessionOptions.defaults().withContextLength(4096)))
                    .isInstanceOf(GatunException.class)
                    .hasMessageContaining("2048");
        }
    }

    @Test
    void optionsOutOfRangeAreRefusedByName() {
        GenerationOptions options = GenerationOptions.builtIn();
        assertThatThrownBy(() -> options.withTemperature(Double.NaN)).hasMessageStartingWith("temperature: NaN");
        assertThatThrownBy(() -> options.withTemperature(-1)).hasMessageStartingWith("temperature: -1");
        assertThatThrownBy(() -> options.withTopP(0)).hasMessageStartingWith("top-p: ");
        assertThatThrownBy(() -> options.withTopP(Double.NaN)).hasMessageStartingWith("top-p: ");
        assertThatThrownBy(() -> options.withMinP(1.5)).hasMessageStartingWith("min-p: ");
        assertThatThrownBy(() -> options.withTopK(-1)).hasMessageStartingWith("top-k: ");
        assertThatThrownBy(() -> options.withMaxTokens(-1)).hasMessageStartingWith("max tokens: ");
        assertThatThrownBy(() -> options.withRepetitionPenalty(0)).hasMessageStartingWith("repetition penalty: ");
        assertThatThrownBy(() -> options.withRepetitionWindow(-1)).hasMessageStartingWith("repetition window: ");
        assertThatThrownBy(() -> options.withStop(List.of(""))).hasMessageStartingWith("stop text: ");
        assertThatThrownBy(() -> ModelOptions.defaults().withThreads(-1)).hasMessageStartingWith("threads: ");
        assertThatThrownBy(() -> SessionOptions.defaults().withKeyValueBits(8))
                .hasMessageStartingWith("key/value bits");
    }
}
