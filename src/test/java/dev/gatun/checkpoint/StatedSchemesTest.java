package dev.gatun.checkpoint;

import static dev.gatun.checkpoint.Refusals.assertOneLine;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What options and a side file say of a model's schemes, and what the numbers of elements say to that. */
class StatedSchemesTest {
    private static final HqqScheme ATTENTION = new HqqScheme(4, 16, 8);
    private static final HqqScheme EXPERTS = new HqqScheme(2, 8, 16);
    private static final HqqScheme OTHER = new HqqScheme(4, 16, 4);

    @TempDir
    Path folder;

    @BeforeEach
    void write() {
        MixtralConfig config = TinyCheckpoints.tileableConfig();
        CheckpointWriter.writeOffloading(
                folder, config, TinyCheckpoints.quantized(config, ATTENTION, EXPERTS, Seeds.next()));
    }

    private static CheckpointSource source(Path weights, Path config, HqqScheme attention, HqqScheme experts) {
        StatedSchemes schemes = new StatedSchemes(
                Optional.ofNullable(attention).map(StatedSchemesTest::stated),
                Optional.ofNullable(experts).map(StatedSchemesTest::stated));
        return new CheckpointSource(weights, config, Optional.empty(), schemes);
    }

    private static StatedScheme stated(HqqScheme scheme) {
        return new StatedScheme(scheme.bits(), scheme.groupSize(), scheme.scaleGroup());
    }

    private CheckpointSource source(HqqScheme attention, HqqScheme experts) {
        return source(folder, folder, attention, experts);
    }

    private static AbstractStringAssert<?> assertRefused(CheckpointSource source) {
        return assertOneLine(catchThrowable(() -> Checkpoint.open(source).close()));
    }

    private static void requireOpens(CheckpointSource source) {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            LayerWeights layer = checkpoint.weights().layers().getLast();
            assertThat(((HqqMatrix) layer.output()).scheme()).isEqualTo(ATTENTION);
            assertThat(((HqqMatrix) layer.experts().getLast().down()).scheme()).isEqualTo(EXPERTS);
        }
    }

    private static String part(HqqScheme scheme) {
        return """
                {"weight_quant_params": {"nbits": %d, "channel_wise": true, "group_size": %d, "axis": 0},
                 "scale_quant_params": {"nbits": 8, "channel_wise": true, "group_size": %d, "optimize": false},
                 "zero_quant_params": {"nbits": 8, "channel_wise": false, "group_size": null, "optimize": false}}""".formatted(scheme.bits(), scheme.groupSize(), scheme.scaleGroup());
    }

    private static void writeFile(Path folder, HqqScheme attention, HqqScheme experts) throws IOException {
        String text = "{\"attention\": " + part(attention) + ", \"experts\": " + part(experts) + "}";
        Files.writeString(folder.resolve("quantization.json"), text);
    }

    @Test
    void whatIsSoMayBeStated() {
        requireOpens(source(null, null));
        requireOpens(source(ATTENTION, null));
        requireOpens(source(ATTENTION, EXPERTS));
    }

    @Test
    void whatIsNotSoIsRefusedWithBoth() {
        assertRefused(source(OTHER, EXPERTS))
                .contains("q_proj.W_q", "of 4/16/8 (bits/group/scale group), but --attention-scheme says 4/16/4;");
        assertRefused(source(ATTENTION, OTHER)).contains("of 2/8/16", "--expert-scheme says 4/16/4;");
    }

    @Test
    void theSideFileIsReadBesideTheWeightsOrTheConfiguration(@TempDir Path apart) throws IOException {
        Files.copy(folder.resolve("config.json"), apart.resolve("config.json"));
        writeFile(apart, ATTENTION, OTHER);
        requireOpens(source(null, null));
        assertRefused(source(folder, apart, null, null)).contains("`experts` in", "quantization.json` says 4/16/4;");
        writeFile(folder, ATTENTION, EXPERTS);
        requireOpens(source(folder, apart, null, null));
    }

    @Test
    void optionsGoBeforeTheSideFileAndThatBeforeTheNumbers() throws IOException {
        writeFile(folder, OTHER, EXPERTS);
        assertRefused(source(null, null)).contains("`attention` in", "quantization.json` says 4/16/4;");
        requireOpens(source(ATTENTION, null));
        assertRefused(source(ATTENTION, OTHER)).contains("--expert-scheme says 4/16/4;");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
            "nbits": 4  | "nbits": 5      | `attention`: codes of 5 bits
            "nbits": 4, |                 | `attention.weight_quant_params.nbits`
            "axis": 0   | "axis": 1       | `attention.weight_quant_params.axis` is 1; Gatun reads 0 alone
            "nbits": 8  | "nbits": 4      | `attention.scale_quant_params.nbits` is 4; Gatun reads 8 alone
            "scale_quant_params" | "scales" | `attention` has no `scale_quant_params`
            "experts": | "row_order": "up", "experts": | `row_order` is `up`, which is none of native, split, interleaved
            {"attention"|[{"attention"    | not valid JSON
            """)
    void aSideFileThatSaysWhatIsNotReadIsRefused(String right, String wrong, String words) throws IOException {
        writeFile(folder, ATTENTION, EXPERTS);
        Path file = folder.resolve("quantization.json");
        String text = Files.readString(file);
        assertThat(text).contains(right);
        String changed = text.replaceFirst(Pattern.quote(right), wrong == null ? "" : wrong);
        Files.writeString(file, changed);
        assertRefused(source(null, null)).contains("quantization.json`: ", words);
    }

    @Test
    void whatIsSaidOfNoMatrixIsRefused(@TempDir Path dense) throws IOException {
        MixtralConfig config = TinyCheckpoints.smallConfig();
        CheckpointWriter.writeHuggingFace(dense, config, TinyCheckpoints.dense(config, FloatType.F16, 3), 1);
        assertRefused(source(dense, dense, null, EXPERTS))
                .contains("--expert-scheme says how HQQ quantized the experts", "no matrix of them");
        // What some other program left there is nobody's business then.
        Files.writeString(dense.resolve("quantization.json"), "{");
        Checkpoint.open(dense).close();
    }

    @Test
    void aSideFileMayTellOfExpertsThatAreTilesSince(@TempDir Path tiled) throws IOException {
        MixtralConfig config = TinyCheckpoints.tileableConfig();
        HqqScheme experts = new HqqScheme(2, 16, 8);
        GatunFolder.write(tiled, config, TinyCheckpoints.quantized(config, ATTENTION, experts, Seeds.next()));
        writeFile(folder, ATTENTION, experts);
        try (Checkpoint checkpoint = Checkpoint.open(source(tiled, folder, null, null))) {
            assertThat(checkpoint
                            .weights()
                            .layers()
                            .getLast()
                            .experts()
                            .getLast()
                            .down())
                    .isNotInstanceOf(HqqMatrix.class);
        }
        assertRefused(source(tiled, folder, null, experts)).contains("--expert-scheme says", "leave it out");
        writeFile(folder, OTHER, experts);
        assertRefused(source(tiled, folder, null, null)).contains("`attention` in", "quantization.json` says 4/16/4;");
    }
}
