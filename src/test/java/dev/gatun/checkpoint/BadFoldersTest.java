package dev.gatun.checkpoint;

import static dev.gatun.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.quant.FloatType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders that are no model, and models of which a part is missing, too much, or not what it should be. */
class BadFoldersTest {
    private static final MixtralConfig SMALL = TinyCheckpoints.smallConfig();
    private static final String EXPERT = "model-00001-of-00007.safetensors";
    private static final String TRUNK = "model-00007-of-00007.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    @TempDir
    Path folder;

    @Test
    void aPathToNothing() {
        assertRefused(folder.resolve("absent")).contains("absent`: no such folder");
    }

    @Test
    void aPathToAFile() throws IOException {
        assertRefused(Files.createFile(folder.resolve("model.GGUF"))).contains("a GGUF file; Gatun reads Mixtral");
        assertRefused(Files.createFile(folder.resolve("model.txt"))).contains("a file, not a folder; Gatun reads");
    }

    @Test
    void aFolderOfAnotherKind() throws IOException {
        assertRefused(folder).contains("has no config.json");
        Files.createFile(folder.resolve("pytorch_model.bin"));
        assertRefused(folder).contains("PyTorch pickles", "Gatun reads");
        Files.createFile(folder.resolve("mixtral.Q4_K_M.gguf"));
        assertRefused(folder).contains("holds a GGUF file; Gatun reads");
        Files.createFile(folder.resolve("config.json"));
        assertRefused(folder).contains("holds a GGUF file; Gatun reads");
    }

    @Test
    void aFolderWithoutConfigOrWeights() throws IOException {
        writeOffloading();
        Files.delete(folder.resolve("config.json"));
        assertRefused(folder).contains("has no config.json");
        Files.writeString(Files.createDirectory(folder.resolve("b")).resolve("config.json"), "{}");
        assertRefused(folder.resolve("b")).contains("has no *.safetensors file");
    }

    @Test
    void aMissingIndex() throws IOException {
        writeOffloading();
        Files.delete(folder.resolve(INDEX));
        assertRefused(folder).contains("has neither model.safetensors nor model.safetensors.index.json");
    }

    @Test
    void aMissingShard() throws IOException {
        writeOffloading();
        Files.delete(folder.resolve("model-00003-of-00007.safetensors"));
        assertRefused(folder).contains("model-00003-of-00007.safetensors`: no such file");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../model.safetensors",
                "/etc/passwd",
                "a/../../x",
                "sub/x.safetensors",
                "..",
                ".",
                "",
                " ",
                "\\u0000"
            })
    void anIndexThatLeavesTheFolder(String file) throws IOException {
        writeOffloading();
        edit(INDEX, "\"lm_head.weight\": \"" + TRUNK + "\"", "\"lm_head.weight\": \"" + file + "\"");
        assertRefused(folder).contains(INDEX, "tensor `lm_head.weight`", "not the name of a file in this folder");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "{\"weight_map\": {}}", "{\"weight_map\": []}", "{\"weight_map\": {\"a\": 1}}", "[]", "x"})
    void anIndexOfAnotherForm(String text) throws IOException {
        writeOffloading();
        Files.writeString(folder.resolve(INDEX), text);
        assertRefused(folder).contains(INDEX);
    }

    @Test
    void anIndexThatNamesATensorTwice() throws IOException {
        writeOffloading();
        edit(INDEX, "\"lm_head.weight\"", "\"model.norm.weight\": \"" + TRUNK + "\", \"lm_head.weight\"");
        assertRefused(folder).contains(INDEX, "Duplicate", "model.norm.weight");
    }

    @Test
    void anIndexThatNamesATensorItsFileHasNot() throws IOException {
        writeOffloading();
        edit(INDEX, "\"lm_head.weight\"", "\"more.weight\": \"" + TRUNK + "\", \"lm_head.weight\"");
        assertRefused(folder).contains(TRUNK, "tensor `more.weight` is missing, though the index finds it there");
    }

    @Test
    void anIndexThatNamesAnotherFile() throws IOException {
        writeOffloading();
        edit(INDEX, "\"lm_head.weight\": \"" + TRUNK + "\"", "\"lm_head.weight\": \"" + EXPERT + "\"");
        assertRefused(folder).contains(TRUNK + "`: tensor `lm_head.weight` should be in `" + EXPERT + "`");
    }

    @Test
    void anIndexThatFindsTwoExpertsInOneFile() throws IOException {
        writeOffloading();
        String first = "model.layers.0.block_sparse_moe.experts.0.w1.W_q\": \"";
        edit(INDEX, first + EXPERT, first + "model-00002-of-00007.safetensors");
        assertRefused(folder).contains("model-00002-of-00007.safetensors", "could be of 2 experts");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "w1.W_q",
                "w2.meta.scale_q",
                "w3.meta.meta_scale.scale",
                "w1.meta.meta_scale.zero",
                "w2.meta.zero_q",
                "w3.meta.meta_zero.scale",
                "w1.meta.meta_zero.zero"
            })
    void anExpertWithoutOneOfItsTensors(String name) throws IOException {
        writeOffloading();
        String full = "model.layers.0.block_sparse_moe.experts.0." + name;
        Headers.edit(folder.resolve(EXPERT), header -> header.replace("\"" + name + "\"", "\"w1.other\""));
        assertRefused(folder).contains(EXPERT, "tensor `" + full + "` is missing");
    }

    @Test
    void aTensorThatIndexAndFileLackAlike() throws IOException {
        writeOffloading();
        String expert = "model.layers.0.block_sparse_moe.experts.0.";
        Headers.edit(folder.resolve(EXPERT), header -> header.replace("\"w1.meta.zero_q\"", "\"w1.other\""));
        edit(INDEX, "\"" + expert + "w1.meta.zero_q\"", "\"" + expert + "w1.other\"");
        assertRefused(folder).contains(INDEX, "tensor `" + expert + "w1.meta.zero_q` is missing");
    }

    @Test
    void aTensorThatNoMixtralHas() throws IOException {
        writeHuggingFace();
        Headers.edit(
                folder.resolve("model.safetensors"),
                header -> header.substring(0, header.length() - 1)
                        + ",\"model.layers.0.self_attn.q_norm.weight\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        assertRefused(folder)
                .contains(
                        "model.safetensors`: tensor `model.layers.0.self_attn.q_norm.weight` is not part of a Mixtral");
    }

    @Test
    void rotaryTablesOfOldCheckpointsAreIgnored() throws IOException {
        writeHuggingFace();
        Headers.edit(
                folder.resolve("model.safetensors"),
                header -> header.substring(0, header.length() - 1)
                        + ",\"model.layers.0.self_attn.rotary_emb.inv_freq\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.config()).isEqualTo(SMALL);
        }
    }

    @Test
    void fusedExpertsAreNamed() throws IOException {
        writeHuggingFace();
        Headers.edit(
                folder.resolve("model.safetensors"),
                header -> header.replace(
                        "model.layers.0.block_sparse_moe.experts.0.w1.weight",
                        "model.layers.0.mlp.experts.gate_up_proj"));
        assertRefused(folder)
                .contains(
                        "tensor `model.layers.0.mlp.experts.gate_up_proj` holds all experts of a layer in one", "save");
    }

    @Test
    void weightsOfATypeThatIsNoFloat() throws IOException {
        writeHuggingFace();
        Headers.edit(
                folder.resolve("model.safetensors"),
                header -> header.replace(
                        "\"model.norm.weight\":{\"dtype\":\"F32\"", "\"model.norm.weight\":{\"dtype\":\"I32\""));
        assertRefused(folder).contains("tensor `model.norm.weight` has the dtype I32, but must be BF16, F16 or F32");
    }

    @Test
    void weightsOfAnotherShape() throws IOException {
        writeHuggingFace();
        Headers.edit(
                folder.resolve("model.safetensors"),
                header -> header.replace(
                        "experts.2.w2.weight\":{\"dtype\":\"F32\",\"shape\":[16,24]",
                        "experts.2.w2.weight\":{\"dtype\":\"F32\",\"shape\":[24,16]"));
        assertRefused(folder)
                .contains("experts.2.w2.weight` has the shape [24, 16], but config.json asks for [16, 24]");
    }

    @Test
    void codesOfAnotherType() throws IOException {
        writeOffloading();
        Headers.edit(
                folder.resolve(EXPERT),
                header -> header.replace("\"w1.W_q\":{\"dtype\":\"U8\"", "\"w1.W_q\":{\"dtype\":\"I8\""));
        assertRefused(folder).contains(EXPERT, "tensor `w1.W_q` has the dtype I8, but must be U8", "2, 3, 4 or 8 bits");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "w2.meta.meta_scale.scale",
                "w1.meta.meta_scale.zero",
                "w3.meta.meta_zero.scale",
                "w1.meta.meta_zero.zero"
            })
    void aScaleThatIsNotFinite(String tensor) throws IOException {
        for (int half : new int[] {0x7c00, 0xfc00, 0x7e01}) {
            writeOffloading();
            Headers.overwrite(folder.resolve(EXPERT), tensor, (short) half);
            assertRefused(folder).contains(EXPERT, "tensor `" + tensor + "` has a NaN or infinity at 0");
        }
    }

    @Test
    void metasThatDoNotBelongTogether() throws IOException {
        writeOffloading();
        Headers.edit(
                folder.resolve(EXPERT),
                header -> header.replaceAll("w([12])\\.meta\\.zero_q", "w0.meta.zero_q")
                        .replaceFirst("w0", "w2")
                        .replaceFirst("w0", "w1"));
        assertRefused(folder).contains(EXPERT, ".meta.zero_q` has ", " elements, but the tensors beside it ask for ");
    }

    @Test
    void zerosInAColumnAreGroupsOfTheOtherAxis() throws IOException {
        writeOffloading();
        Headers.edit(
                folder.resolve(EXPERT),
                header -> header.replaceAll(
                        "(\"w1.meta.zero_q\":\\{\"dtype\":\"U8\",\"shape\":)\\[1,(\\d+)]", "$1[$2,1]"));
        assertRefused(folder).contains(EXPERT, "tensor `w1.meta.zero_q` has the shape", "axis 1");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            25 | elements do not fit the matrix of 25 x 16 that config.json asks for
            48 | codes of 1 bits: 2, 3, 4 or 8 are supported, for the matrix of 48 x 16 that config.json asks for
            """)
    void sizesThatContradictTheConfig(int size, String complaint) throws IOException {
        writeOffloading();
        edit("config.json", "\"intermediate_size\": 24", "\"intermediate_size\": " + size);
        assertRefused(folder).contains("tensor `w1.", complaint);
    }

    private void writeOffloading() {
        CheckpointWriter.writeOffloading(folder, SMALL, TinyCheckpoints.quantized(SMALL, 5));
    }

    private void writeHuggingFace() {
        CheckpointWriter.writeHuggingFace(folder, SMALL, TinyCheckpoints.dense(SMALL, FloatType.F32, 5), 1);
    }

    private void edit(String file, String good, String bad) throws IOException {
        String text = Files.readString(folder.resolve(file));
        assertThat(text).contains(good);
        Files.writeString(folder.resolve(file), text.replace(good, bad));
    }
}
