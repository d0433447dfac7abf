package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The script of {@code make quality}, with a program that only pretends to measure. */
@Timeout(60)
class QualityTest {
    @TempDir
    private Path folder;

    private Path program;
    private Path temporary;

    @BeforeEach
    void createFolders() throws IOException {
        program = Files.createDirectory(folder.resolve("it's a folder")).resolve("gatun");
        temporary = Files.createDirectory(folder.resolve("temporary"));
        Files.writeString(Files.createDirectory(folder.resolve("model")).resolve("a.safetensors"), "x".repeat(100_000));
    }

    @Test
    void aRowHasBitsSizeAndPerplexity() throws IOException, InterruptedException {
        assertThat(run(
                        "echo 'no room' >&2; exit 2",
                        "echo 'experts 1 2 3 4 2.5625 bits'",
                        "echo 'perplexity 18.14 ± 0.27 (9 tokens)'"))
                .isZero();
        assertThat(read("out")).endsWith("| 16 | 16 | none | 2.56 | 0.1 | 18.1400 ± 0.27 | 1.000 |\n");
        assertThat(read("err")).startsWith("skipped: attention 4, experts 2, 8-bit scales: no room\n");
        assertNothingIsLeft();
    }

    @Test
    void whateverFailsIsShownAndEndsWithItsStatus() throws IOException, InterruptedException {
        assertThat(run("exit 9", "echo 'no such model' >&2; exit 3", "exit 9")).isEqualTo(3);
        assertThat(read("err")).isEqualTo("no such model\n");
        assertThat(run("exit 9", "echo experts", "echo 'the text is too short' >&2; exit 2"))
                .isEqualTo(2);
        assertThat(read("err")).isEqualTo("the text is too short\n");
        assertNothingIsLeft();
    }

    @Test
    void itsFolderGoesWhenItIsEnded() throws IOException, InterruptedException {
        Path begun = folder.resolve("begun");
        Process process = start("exit 9", "echo > '" + begun + "'; sleep 1", "exit 9");
        while (!Files.exists(begun)) {
            Thread.sleep(10);
        }
        process.destroy();
        assertThat(finish(process)).isEqualTo(128 + 15);
        assertNothingIsLeft();
    }

    private int run(String quantize, String inspect, String perplexity) throws IOException, InterruptedException {
        return finish(start(quantize, inspect, perplexity));
    }

    /** Starts it for the unquantized model alone, with what the program does for each command. */
    private Process start(String quantize, String inspect, String perplexity) throws IOException {
        Files.writeString(program, """
                case $1 in
                  quantize) %s ;;
                  inspect) %s ;;
                  perplexity) %s ;;
                esac
                """.formatted(quantize, inspect, perplexity));
        ProcessBuilder builder = new ProcessBuilder(List.of(
                        "src/launcher/quality",
                        folder.resolve("model").toString(),
                        "text",
                        "/bin/sh",
                        program.toString()))
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile());
        builder.environment().put("TMPDIR", temporary.toString());
        builder.environment().put("ATTENTION", "16");
        builder.environment().put("EXPERTS", "16");
        builder.environment().put("GPTQ", "no");
        return builder.start();
    }

    private static int finish(Process process) throws InterruptedException {
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("it ends").isTrue();
        return process.exitValue();
    }

    private String read(String file) throws IOException {
        return Files.readString(folder.resolve(file));
    }

    private void assertNothingIsLeft() throws IOException {
        try (Stream<Path> left = Files.list(temporary)) {
            assertThat(left).isEmpty();
        }
    }
}
