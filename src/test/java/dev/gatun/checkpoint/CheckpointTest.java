package dev.gatun.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.WeightMatrix;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CheckpointTest {
    private static final MixtralConfig SMALL =
            new MixtralConfig(256, 384, 5, 8, 2, 32, 8, 2, 2048, 2048, 1e6, 1e-5, OptionalInt.empty(), false);

    @Test
    void aHuggingFaceFolderOpensWithEveryShapeOfItsConfig() {
        try (Checkpoint checkpoint = Checkpoint.open(SampleModels.huggingFace())) {
            assertThat(checkpoint.config()).isEqualTo(SMALL);
            assertShapes(checkpoint.weights(), SMALL);
            assertThat(allMatrices(checkpoint.weights()))
                    .allSatisfy(
                            matrix -> assertThat(((DenseMatrix) matrix).type()).isEqualTo(FloatType.BF16));
            assertThat(checkpoint.description())
                    .isEqualTo("Mixtral, Hugging Face checkpoint, attention bf16, experts bf16, 27.4 MB");
        }
    }

    @Test
    void anOffloadingFolderOpensWithTheSchemesThatItsSizesImply() {
        try (Checkpoint checkpoint = Checkpoint.open(SampleModels.offloading())) {
            assertThat(checkpoint.config()).isEqualTo(SMALL);
            assertShapes(checkpoint.weights(), SMALL);
            assertThat(checkpoint.weights().layers()).allSatisfy(layer -> {
                assertThat(attention(layer))
                        .allSatisfy(matrix ->
                                assertThat(((HqqMatrix) matrix).scheme()).isEqualTo(new HqqScheme(4, 64, 256)));
                assertThat(experts(layer))
                        .allSatisfy(matrix ->
                                assertThat(((HqqMatrix) matrix).scheme()).isEqualTo(new HqqScheme(2, 16, 128)));
                assertThat(layer.router().type()).isEqualTo(FloatType.F16);
            });
            assertThat(checkpoint.description())
                    .isEqualTo("Mixtral, HQQ offloading checkpoint, attention 4-bit, experts 2-bit, 7.1 MB");
        }
    }

    @Test
    void bytesAreThoseOfTheFiles() throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(SampleModels.offloading());
                Stream<Path> files = Files.list(SampleModels.offloading())) {
            long sum = files.filter(file -> file.toString().endsWith(".safetensors"))
                    .mapToLong(file -> file.toFile().length())
                    .sum();
            assertThat(checkpoint.bytes()).isEqualTo(sum);
            assertThat(checkpoint.directory()).isEqualTo(SampleModels.offloading());
        }
    }

    @Test
    void theMakersDefaultsAreRead() {
        try (Checkpoint checkpoint = Checkpoint.open(SampleModels.offloading())) {
            assertThat(checkpoint.generationDefaults())
                    .isEqualTo(new GenerationDefaults(
                            Optional.of(true),
                            OptionalDouble.of(0.7),
                            OptionalDouble.of(0.9),
                            OptionalInt.empty(),
                            OptionalDouble.empty(),
                            OptionalDouble.of(1.1),
                            List.of(2),
                            OptionalInt.of(1)));
        }
    }

    @Test
    void aClosedCheckpointIsNeverRead() {
        Checkpoint checkpoint = Checkpoint.open(SampleModels.offloading());
        checkpoint.close();
        assertThatThrownBy(() -> checkpoint.weights().embeddings().values().get(ValueLayout.JAVA_BYTE, 0))
                .isInstanceOf(IllegalStateException.class);
    }

    private static void assertShapes(ModelWeights weights, MixtralConfig config) {
        int queries = config.heads() * config.headSize();
        int keys = config.kvHeads() * config.headSize();
        assertShape(weights.embeddings(), config.vocabularySize(), config.hiddenSize());
        assertShape(weights.head(), config.vocabularySize(), config.hiddenSize());
        assertShape(weights.finalNorm(), 1, config.hiddenSize());
        assertThat(weights.layers()).hasSize(config.layers()).allSatisfy(layer -> {
            assertShape(layer.attentionNorm(), 1, config.hiddenSize());
            assertShape(layer.query(), queries, config.hiddenSize());
            assertShape(layer.key(), keys, config.hiddenSize());
            assertShape(layer.value(), keys, config.hiddenSize());
            assertShape(layer.output(), config.hiddenSize(), queries);
            assertShape(layer.expertNorm(), 1, config.hiddenSize());
            assertShape(layer.router(), config.experts(), config.hiddenSize());
            assertThat(layer.experts()).hasSize(config.experts()).allSatisfy(expert -> {
                assertShape(expert.gate(), config.intermediateSize(), config.hiddenSize());
                assertShape(expert.up(), config.intermediateSize(), config.hiddenSize());
                assertShape(expert.down(), config.hiddenSize(), config.intermediateSize());
            });
        });
    }

    private static void assertShape(WeightMatrix matrix, int rows, int columns) {
        assertThat(List.of(matrix.rows(), matrix.columns())).containsExactly(rows, columns);
    }

    private static List<WeightMatrix> allMatrices(ModelWeights weights) {
        Stream<WeightMatrix> layers = weights.layers().stream()
                .flatMap(layer -> Stream.of(
                                Stream.<WeightMatrix>of(layer.attentionNorm(), layer.expertNorm(), layer.router()),
                                attention(layer).stream(),
                                experts(layer).stream())
                        .flatMap(matrices -> matrices));
        return Stream.concat(Stream.of(weights.embeddings(), weights.finalNorm(), weights.head()), layers)
                .toList();
    }

    private static List<WeightMatrix> attention(LayerWeights layer) {
        return List.of(layer.query(), layer.key(), layer.value(), layer.output());
    }

    private static List<WeightMatrix> experts(LayerWeights layer) {
        return layer.experts().stream()
                .flatMap(expert -> Stream.of(expert.gate(), expert.up(), expert.down()))
                .toList();
    }
}
