package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program as {@code make install} leaves it, started as a user starts it. */
@Tag("installed")
@Timeout(120)
class InstalledTest {
    private static final Path PROGRAM = Path.of(System.getProperty("gatun.installed"), "bin", "gatun");

    @TempDir
    private Path temporary;

    private record Result(int code, String out, String err) {}

    private Process start(Map<String, String> environment, String... arguments) throws IOException {
        return start(PROGRAM, environment, arguments);
    }

    private Process start(Path program, Map<String, String> environment, String... arguments) throws IOException {
        List<String> command = Stream.concat(Stream.of(program.toString()), Stream.of(arguments))
                .toList();
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(temporary.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(temporary.resolve("out").toFile())
                .redirectError(temporary.resolve("err").toFile());
        builder.environment().putAll(environment);
        return builder.start();
    }

    private Result finish(Process process) throws IOException, InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it ends").isTrue();
        return new Result(process.exitValue(), read("out"), read("err"));
    }

    private String read(String file) throws IOException {
        return Files.readString(temporary.resolve(file), StandardCharsets.UTF_8);
    }

    private Result run(Map<String, String> environment, String... arguments) throws Exception {
        return finish(start(environment, arguments));
    }

    @Test
    void itTellsAStoryWithNoArgumentsButTheVerb() throws Exception {
        Result result = run(Map.of(), "generate", "-n", "20", "--seed", "1");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out()).startsWith(PromptArguments.DEMO);
        assertThat(result.err().lines().toList()).hasSize(2);
    }

    @Test
    void itNeedsNoLocale() throws Exception {
        Map<String, String> bare = Map.of("LC_ALL", "C", "LANG", "C");
        Result result = run(bare, "generate", "-p", "Zoë said", "--echo", "-n", "2", "-q");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out()).startsWith("Zoë said");
    }

    @Test
    void withoutJavaItSaysSo() throws Exception {
        Path copy = copyAlone();
        Path lib = Files.createDirectories(copy.resolve("lib/gatun"));
        Files.writeString(lib.resolve("jvm.options"), "");
        Files.writeString(lib.resolve("find-jdk"), "#!/bin/sh\nexit 1\n");
        assertThat(lib.resolve("find-jdk").toFile().setExecutable(true)).isTrue();
        assertMistake(copy, "no Java 25 found");
    }

    @Test
    void withoutWhatLiesBesideItItSaysSo() throws Exception {
        assertMistake(copyAlone(), "copied alone");
    }

    /** Returns where bin/gatun lies, and nothing else. */
    private Path copyAlone() throws IOException {
        Path copy = temporary.resolve("copy");
        Path bin = Files.createDirectories(copy.resolve("bin"));
        Files.copy(PROGRAM, bin.resolve("gatun"), StandardCopyOption.COPY_ATTRIBUTES);
        return copy;
    }

    private void assertMistake(Path installation, String says) throws Exception {
        Result result = finish(start(installation.resolve("bin/gatun"), Map.of(), "info"));
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err().lines().toList()).singleElement().asString().contains(says);
    }

    @Test
    void anOlderJavaHomeDoesNotMisleadIt() throws Exception {
        Path older = Files.createDirectories(temporary.resolve("jdk-17/bin")).getParent();
        Files.writeString(older.resolve("release"), "JAVA_VERSION=\"17.0.15\"\n");
        Path java = Files.writeString(older.resolve("bin/java"), "#!/bin/sh\necho wrong java\nexit 1\n");
        assertThat(java.toFile().setExecutable(true)).isTrue();
        Result result = run(Map.of("JAVA_HOME", older.toString()), "--version");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out()).contains("java 25");
    }

    @Test
    void theJvmHasItsOptionsAndThoseOfTheUserAfterThem() throws Exception {
        Map<String, String> flags = Map.of("GATUN_JVM", "-Xmx384m -XX:+PrintFlagsFinal");
        Result result = run(flags, "--version");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out())
                .containsPattern("MaxHeapSize += " + (384L << 20))
                .containsPattern("UseSerialGC += true")
                .contains("CompileThresholdScaling,dev.gatun.*::*,0.1");
    }

    @Test
    void controlCEndsTheTextCleanly() throws Exception {
        Process process = start(Map.of(), "generate", "-n", "0", "--ignore-eos", "--seed", "1");
        while (process.isAlive() && Files.size(temporary.resolve("out")) < 200) {
            Thread.sleep(5);
        }
        assertThat(new ProcessBuilder("kill", "-INT", String.valueOf(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
        Result result = finish(process);
        assertThat(result.code()).as(result.err()).isEqualTo(130);
        assertThat(result.out()).endsWith("\n");
        assertThat(result.err()).contains("cancelled");
    }

    @Test
    void textThatCannotBeWrittenIsNoSuccess() throws Exception {
        Process process = new ProcessBuilder("sh", "-c", PROGRAM + " generate -p x -n 3 > /dev/full")
                .redirectError(temporary.resolve("err").toFile())
                .redirectOutput(temporary.resolve("out").toFile())
                .start();
        Result result = finish(process);
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).contains("output: standard output cannot be written");
    }

    @Test
    void mistakesEndWithTwo() throws Exception {
        assertThat(run(Map.of(), "generate", "-m", "nowhere", "-p", "x").code()).isEqualTo(2);
        assertThat(run(Map.of("GATUN_CPU", "mmx"), "generate", "-n", "1").code())
                .isEqualTo(2);
    }
}
