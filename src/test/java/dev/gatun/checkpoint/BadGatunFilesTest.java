package dev.gatun.checkpoint;

import static dev.gatun.checkpoint.Refusals.assertOneLine;
import static dev.gatun.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Faults that only files in Gatun's own format can have. */
class BadGatunFilesTest {
    private static final MixtralConfig SMALL = TinyCheckpoints.tileableConfig();
    private static final String LAYER = "model-00002-of-00003.safetensors";
    private static final String TILES = "model.layers.0.block_sparse_moe.experts.0.tiles";
    private static final String SUM = "0123456789abcdef".repeat(4);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x",
                "SUM config.json",
                "SUM  ",
                "SUM  ../config.json",
                "SUM  a/b",
                "ASUM  config.json",
                "\u202e",
            })
    void checksumsOfAnotherForm(String line) throws IOException {
        Files.writeString(folder.resolve("SHA256SUMS"), line.replace("SUM", SUM) + "\n");
        assertOneLine(catchThrowable(() -> Verification.of(folder)))
                .contains(
                        "SHA256SUMS`: `",
                        "is not a SHA-256, two spaces and the name of a file in this folder; download the file again");
    }

    @Test
    void checksumsThatAreNotThereOrNoText() throws IOException {
        assertOneLine(catchThrowable(() -> Verification.of(folder)))
                .contains("`" + folder + "`: it has no SHA256SUMS to compare its files with");
        Files.write(folder.resolve("SHA256SUMS"), new byte[] {(byte) 0xff, '\n'});
        assertOneLine(catchThrowable(() -> Verification.of(folder))).contains("SHA256SUMS`: it is not UTF-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"config.json", "model.safetensors.index.json", "model-00001-of-00003.safetensors", LAYER})
    void checksumsWithoutTheLineOfAPart(String part) throws IOException {
        writeWide();
        assertThat(Verification.of(folder).run((read, all) -> {})).isEmpty();
        Path sums = folder.resolve("SHA256SUMS");
        List<String> lines = Files.readAllLines(sums);
        Files.write(
                sums, lines.stream().filter(line -> !line.endsWith("  " + part)).toList());
        assertThat(Files.readAllLines(sums)).hasSize(lines.size() - 1);
        assertOneLine(catchThrowable(() -> Verification.of(folder)))
                .contains("SHA256SUMS`: it has no line for `" + part + "`, which is a part of the model");
        Files.writeString(sums, "");
        assertOneLine(catchThrowable(() -> Verification.of(folder))).contains("it has no line for `config.json`");
    }

    @Test
    void checksumsWithoutTheLineOfAModelInOneFile() throws IOException {
        CheckpointWriter.writeHuggingFace(folder, SMALL, TinyCheckpoints.dense(SMALL, FloatType.F16, 3), 1);
        Path single = folder.resolve("model.safetensors");
        assertThat(single).exists();
        String config = Checksums.of(Files.readAllBytes(folder.resolve("config.json"))) + "  config.json\n";
        Files.writeString(folder.resolve("SHA256SUMS"), config);
        assertOneLine(catchThrowable(() -> Verification.of(folder))).contains("it has no line for `model.safetensors`");
        Files.writeString(
                folder.resolve("SHA256SUMS"),
                config + Checksums.of(Files.readAllBytes(single)) + "  model.safetensors\n");
        assertThat(Verification.of(folder).run((read, all) -> {})).isEmpty();
    }

    /** A tile of the wide kind begins with the scale of all zeros. */
    @ParameterizedTest
    @CsvSource({"7f80", "7fc0", "7f7f"})
    void aScaleThatIsNoNumberOrTooLarge(String upperHalf) throws IOException {
        writeWide();
        byte[] bytes = Files.readAllBytes(folder.resolve(LAYER));
        int tiles = 4096;
        bytes[tiles + 2] = (byte) Integer.parseInt(upperHalf.substring(2), 16);
        bytes[tiles + 3] = (byte) Integer.parseInt(upperHalf.substring(0, 2), 16);
        Files.write(folder.resolve(LAYER), bytes);
        assertRefused(folder)
                .contains(
                        LAYER,
                        "tensor `" + TILES
                                + "` has a scale or a zero that is NaN or too large; download the file again");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "'gatun.version':'3' | 'gatun.version':'2' | it is in version `2` of Gatun's format",
                "'gatun.version':'3' | 'gatun.version':'1' | it is in version `1` of Gatun's format",
                "'gatun.version':'3' | 'gatun.version':'4' | it is in version `4` of Gatun's format",
                "'gatun.tiles':'q2n' | 'gatun.tiles':'q9'  | `gatun.tiles` is `q9`, which is none of q2, q2n, q4",
                "'gatun.tiles':'q2n' | 'gatun.tiles':'q4'  | experts of 4-bit tiles: nothing computes them",
                "'gatun.pairs':'0,0' | 'gatun.pairs':'0'   | `gatun.pairs` is `0`, which is not two numbers",
                "'gatun.pairs':'0,0' | 'gatun.pairs':'0,x' | `gatun.pairs` is `0,x`, which is not two numbers",
                "'gatun.pairs':'0,0' | 'gatun.pairs':'0,-1' | second-level pairs: 0 and -1",
                "'gatun.pairs':'0,0' | 'gatun.pairs':'0,4294967296' | which is not two numbers",
                "'gatun.origin'      | 'gatun.origim'      | its metadata says other things than that of",
            })
    void metadataThatMakesNoSense(String good, String bad, String complaint) throws IOException {
        writeNarrow();
        Path first = folder.resolve(bad.contains("origim") ? LAYER : "model-00001-of-00003.safetensors");
        Headers.edit(first, header -> header.replace(good.replace('\'', '"'), bad.replace('\'', '"')));
        assertRefused(folder).contains(first.toString(), complaint);
    }

    private void writeWide() {
        GatunFolder.write(
                folder, SMALL, TinyCheckpoints.quantized(SMALL, new HqqScheme(4, 8, 8), new HqqScheme(2, 16, 8), 3));
    }

    private void writeNarrow() {
        GatunFolder.write(
                folder, SMALL, TinyCheckpoints.narrow(SMALL, new NarrowScheme(4, 8), new NarrowScheme(2, 16), 3));
    }
}
