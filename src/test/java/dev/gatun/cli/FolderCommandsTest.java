package dev.gatun.cli;

import static dev.gatun.cli.CommandLineTest.DEMO;
import static dev.gatun.cli.CommandLineTest.requireMistake;
import static dev.gatun.cli.CommandLineTest.run;
import static dev.gatun.cli.CommandLineTest.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.CheckpointWriter;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.TinyCheckpoints;
import dev.gatun.cli.CommandLineTest.Result;
import dev.gatun.quant.FloatType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands that look at model folders and write them. */
class FolderCommandsTest {
    @TempDir
    private Path temporary;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            generate -m DEMO -p x --config /nowhere                                 | /nowhere
            generate -m DEMO -p x --config src/test                                 | no config.json to read the model's shape from
            generate -m DEMO -p x --row-order up                                    | --row-order
            generate -m DEMO -p x --config nobody/none                              | gatun pull nobody/none
            generate -m DEMO -p x --expert-scheme 2/16/64                           | but --expert-scheme says 2/16/64
            inspect DEMO --attention-scheme 4/32/256                                | 4/64/256 (bits/group/scale group), but
            inspect DEMO --expert-scheme 2/16                                       | is not bits/group/scale group
            inspect DEMO --expert-scheme 5/16/128                                   | codes of 5 bits
            inspect DEMO --expert-scheme 3/20/128                                   | 2/16/128 (bits/group/scale group), but --expert-scheme says 3/20/128
            inspect DEMO --expert-scheme 2/0/128                                    | groups of 0: must be positive
            inspect                                                                 | DIR
            inspect /nowhere                                                        | /nowhere
            inspect DEMO -c 4096                                                    | 2048
            inspect DEMO --gpu-memory 12                                            | is not a size such as 12GiB
            inspect DEMO --gpu-memory 1MiB                                          | --gpu-memory
            perplexity -m DEMO                                                      | FILE
            perplexity -m DEMO /nowhere.txt                                         | /nowhere.txt
            perplexity -m /nowhere src/test/data/heldout.txt                        | /nowhere
            perplexity -m DEMO x -w 1                                               | window: 1
            perplexity -m DEMO x --stride 0                                         | stride: 0
            perplexity -m DEMO x --kv-bits 4                                        | neither 16 nor 32
            perplexity -m DEMO x -c 100                                             | --window
            perplexity -m DEMO src/test/data/heldout.txt -w 4096                    | 2048
            perplexity -m DEMO src/test/data/heldout.txt -w 2147483647              | 2048
            perplexity -m DEMO src/test/data/heldout.txt -w 2147483647 --kv-bits 32 | 2048
            convert DEMO                                                            | OUT
            convert /nowhere /tmp/gatun-none                                        | /nowhere
            convert DEMO DEMO                                                       | holds a model already
            convert nobody/none /tmp/gatun-none                                     | gatun pull nobody/none
            quantize DEMO                                                           | OUT
            quantize DEMO /tmp/gatun-none                                           | is quantized already
            quantize /nowhere /tmp/gatun-none                                       | /nowhere
            quantize DEMO /tmp/gatun-none --experts 5                               | --experts: 5 is none of 2, 3, 4, 8
            quantize DEMO /tmp/gatun-none --attention 1                             | none of 2, 3, 4, 8, 16
            quantize DEMO /tmp/gatun-none --lm-head 2                               | --lm-head: 2 is none of 4, 8, 16
            quantize DEMO /tmp/gatun-none --scale-bits 5                            | none of 4, 8
            quantize DEMO /tmp/gatun-none --expert-group 15                         | --expert-group: groups of 15: not a multiple of 4
            quantize DEMO /tmp/gatun-none --experts 3 --expert-group 12             | --expert-group: groups of 12: not a multiple of 8
            quantize DEMO /tmp/gatun-none --scale-bits 8 --expert-group 7           | --expert-group: groups of 7: not a multiple of 4
            quantize DEMO /tmp/gatun-none --attention-group 7                       | --attention-group: groups of 7: not a multiple of 2
            quantize DEMO /tmp/gatun-none --attention-group 0                       | --attention-group: groups of 0: not a multiple of 2
            quantize DEMO /tmp/gatun-none --experts 16 --expert-group 16            | --expert-group: experts stay as they are (--experts 16)
            quantize DEMO /tmp/gatun-none --experts 16 --scale-bits 4               | --scale-bits: experts stay as they are (--experts 16)
            quantize DEMO /tmp/gatun-none --experts 16 --scale-bits 3               | --scale-bits: experts stay as they are (--experts 16)
            quantize DEMO /tmp/gatun-none --attention 16 --attention-group 64       | --attention-group: attention stays as it is (--attention 16)
            quantize DEMO /tmp/gatun-none --solver best                             | is none of hqq, least-squares, gptq
            quantize DEMO /tmp/gatun-none --row-order native                        | Unknown option
            quantize DEMO /tmp/gatun-none --expert-scheme 2/16/128                  | Unknown option
            quantize DEMO /tmp/gatun-none --config nobody/none                      | gatun pull nobody/none
            quantize nobody/none /tmp/gatun-none                                    | gatun pull nobody/none
            quantize DEMO /tmp/gatun-none --calibration /nowhere                    | /nowhere
            quantize DEMO /tmp/gatun-none --calibration README.md                   | --solver gptq
            quantize DEMO /tmp/gatun-none --backend gpu                             | --backend
            quantize DEMO /tmp/gatun-none --threads -1                              | threads: -1
            verify                                                                  | DIR
            verify /nowhere                                                         | /nowhere
            verify DEMO                                                             | has no SHA256SUMS
            verify nobody/none                                                      | gatun pull nobody/none
            """)
    void aMistakeIsOneLineThatNamesItAndExitCodeTwo(String arguments, String named) {
        requireMistake(arguments, named);
    }

    @Test
    void anInspectionSaysWhatLiesInAFolder() {
        Result result = run("inspect", DEMO, "--gpu-memory", "1GiB");
        assertThat(result.err()).isEmpty();
        assertThat(result.code()).isZero();
        assertThat(result.out())
                .startsWith("hqq-small: Mixtral, HQQ offloading checkpoint")
                .contains(
                        "5 layers of 8 experts, 2 per token; hidden 256, ffn 384, 8 heads of 32, 2 of keys and values")
                .containsPattern("experts +840 +11796480 +4.4 MB +3.016  2-bit, groups of 16, scales of 128")
                .containsPattern("experts\\.\\*\\.w1\\.W_q +U8 +\\[4, 6144] +40 x")
                .containsPattern("with 1.00 GiB .* 40 of 40 experts on the GPU");
        JsonNode object = JsonMapper.shared()
                .readTree(run("inspect", DEMO, "--json", "--gpu-memory", "1GiB").out());
        assertThat(object.path("parts")).hasSize(6);
        assertThat(object.path("parts").get(4).path("tensors")).hasSize(21);
        assertThat(object.path("plan").path("resident_experts").asInt()).isEqualTo(40);
        assertThat(JsonMapper.shared()
                        .readTree(run("inspect", DEMO, "--json").out())
                        .has("plan"))
                .isFalse();
    }

    @Test
    void whatIsQuantizedInThreeBitsTakesThatMany() {
        MixtralConfig config =
                new MixtralConfig(256, 192, 1, 4, 2, 32, 2, 2, 64, 64, 1e6, 1e-5, OptionalInt.empty(), false);
        Path source = temporary.resolve("source");
        assertThat(source.toFile().mkdir()).isTrue();
        CheckpointWriter.writeHuggingFace(source, config, TinyCheckpoints.dense(config, FloatType.F16, 1), 1);
        String target = temporary.resolve("target").toString();
        String[] quantize = {"quantize", source.toString(), target, "--solver", "HQQ", "--lm-head", "8"};
        assertThat(run(with(quantize, "--experts", "3", "--scale-bits", "4", "--attention", "3"))
                        .code())
                .isZero();
        // 3 + 8 / 64, and four numbers of 16 bits for up to 128 groups of 64 weights; 3 + 16 / 64, and two for 256.
        assertThat(run("inspect", target).out())
                .contains("attention 3-bit, experts 3-bit")
                .containsPattern("experts +18 +294912 .* 3\\.13[0-9]  3-bit, groups of 64, 4-bit scales")
                .containsPattern("attention +28 +98304 .* 3\\.25[0-9]  3-bit, groups of 64, scales of 256");
    }

    @Test
    void aPerplexityIsOneLineOrOneObject() {
        byte[] text = "Once upon a time there was a little girl who lived by the sea.".getBytes(StandardCharsets.UTF_8);
        String[] perplexity = {"perplexity", "-m", DEMO, "-", "--backend", "cpu"};
        Result result = run(text, false, perplexity);
        assertThat(result.code()).isZero();
        assertThat(result.err().lines()).singleElement().asString().startsWith("hqq-small (");
        assertThat(result.out())
                .matches(
                        "perplexity [1-9][0-9]*\\.[0-9]{4} ± [0-9]+\\.[0-9]{4} \\([1-9][0-9]* tokens in 1 window\\)\\R");
        JsonNode object = JsonMapper.shared()
                .readTree(
                        run(text, false, with(perplexity, "--json", "-w", "8")).out());
        assertThat(object.path("windows").asInt()).isGreaterThan(1);
        assertThat(object.path("perplexity").asDouble()).isGreaterThan(1);
    }

    @Test
    void aConvertedModelSaysTheSameAndIsVerified() throws IOException {
        String converted = temporary.resolve("converted").toString();
        assertThat(run("convert", DEMO, converted).out()).contains("written");
        String[] options = {"-p", "Once upon a time", "-n", "20", "--temperature", "0", "-q", "--backend", "cpu"};
        assertThat(run(with(new String[] {"generate", "-m", converted}, options))
                        .out())
                .isEqualTo(run(with(new String[] {"generate", "-m", DEMO}, options))
                        .out());
        assertThat(run("verify", converted).out()).contains("12 files are whole: Mixtral, Gatun checkpoint");
        Path shard = temporary.resolve("converted/model-00003-of-00006.safetensors");
        byte[] bytes = Files.readAllBytes(shard);
        bytes[bytes.length - 1] ^= 1;
        Files.write(shard, bytes);
        Files.delete(temporary.resolve("converted/tokenizer_config.json"));
        Result damaged = run("verify", converted);
        assertThat(damaged.code()).isEqualTo(2);
        assertThat(damaged.err().lines())
                .singleElement()
                .asString()
                .contains(
                        "not what SHA256SUMS says: model-00003-of-00006.safetensors, tokenizer_config.json; get these");
    }

    @Test
    void configurationAndTokenizerMayLieInAnotherFolder() throws IOException {
        Path bare = Files.createDirectory(temporary.resolve("bare"));
        try (Stream<Path> files = Files.list(Path.of(DEMO))) {
            for (Path file : files.filter(name -> name.toString().contains(".safetensors"))
                    .toList()) {
                Files.copy(file, bare.resolve(file.getFileName()));
            }
        }
        String[] apart = {"-m", bare.toString(), "--config", DEMO};
        String[] options = {"-p", "Once upon a time", "-n", "9", "--temperature", "0", "-q", "--backend", "cpu"};
        assertThat(run("generate", "-m", bare.toString(), "-p", "x").err()).contains("has no config.json");
        assertThat(run(with(with(new String[] {"generate"}, apart), options)).out())
                .isEqualTo(run(with(new String[] {"generate", "-m", DEMO}, options))
                        .out());
        assertThat(run(with(new String[] {"plan", "--gpu-memory", "1GiB"}, apart))
                        .out())
                .contains("40 of 40 experts");
        assertThat(run("inspect", bare.toString(), "--config", DEMO).out()).contains("5 layers of 8 experts");
        String[] bench = {"bench", "--backend", "cpu", "-p", "0", "-n", "2", "-r", "1", "--warmup", "0"};
        assertThat(run(with(bench, apart)).out()).contains("tg2");
        String converted = temporary.resolve("whole").toString();
        assertThat(run("convert", bare.toString(), converted, "--config", DEMO).code())
                .isZero();
        assertThat(run("verify", converted).code()).isZero();
    }

    @Test
    void aQuantizedModelPredictsAboutAsWellAsItsSolverDoes() {
        String source = Path.of(System.getProperty("gatun.test.unpacked"), "mixtral-small")
                .toString();
        String quantized = temporary.resolve("quantized").toString();
        // Wherever a name leads, the folder's is shown.
        Result result = run("quantize", source + "/.", quantized, "--verify", "--threads", "2", "--backend", "cpu");
        assertThat(result.err().lines())
                .singleElement()
                .asString()
                .startsWith("mixtral-small (Mixtral, Hugging Face checkpoint")
                .endsWith("on cpu (2 threads); asked for");
        assertThat(result.out())
                .contains("written")
                .contains("12 files are whole: Mixtral, Gatun checkpoint, attention 4-bit, experts 2-bit");
        assertThat(run("inspect", quantized).out()).contains("2-bit tiles, groups of 16, 4-bit scales");
        String text =
                Path.of(System.getProperty("gatun.test.data"), "heldout.txt").toString();
        String[] perplexity = {"perplexity", text, "--windows", "2", "--backend", "cpu", "--json", "-m"};
        double unquantized = JsonMapper.shared()
                .readTree(run(with(perplexity, source)).out())
                .path("perplexity")
                .asDouble();
        double measured = JsonMapper.shared()
                .readTree(run(with(perplexity, quantized)).out())
                .path("perplexity")
                .asDouble();
        // 18.76 to 16.38 on the whole text.
        assertThat(measured / unquantized).isBetween(1.08, 1.2);
        assertThat(run("quantize", source, quantized).err().lines())
                .singleElement()
                .asString()
                .contains("holds a model already");
    }

    @Test
    void whatCannotBeQuantizedIsRefusedBeforeASolverIsOpened() {
        String target = temporary.resolve("none").toString();
        assertThat(run("quantize", DEMO, target).err().lines())
                .singleElement()
                .asString()
                .contains("is quantized already");
        String[] calibrated = {"--backend", "cuda", "--solver", "gptq"};
        assertThat(run(with(new String[] {"quantize", DEMO, target}, calibrated))
                        .err())
                .contains("is quantized already");
        String source = Path.of(System.getProperty("gatun.test.unpacked"), "mixtral-small")
                .toString();
        Result result = run(with(new String[] {"quantize", source, target}, calibrated));
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).contains("backend cuda: --solver gptq runs on the CPU");
        assertThat(Path.of(target)).doesNotExist();
    }
}
