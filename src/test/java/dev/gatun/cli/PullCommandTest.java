package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.hub.FakeHub;
import dev.gatun.hub.FakeHub.Reply;
import dev.gatun.hub.FakeModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The program with a hub, in a process of its own: what it does depends on the environment, and some of it is killed. */
@Timeout(180)
class PullCommandTest {
    private static final String SECRET = "hf_neverToBeSeen";
    /** A multiple of what is written at a time. */
    private static final int BEGUN = 4 << 18;

    private static final String LARGEST = "model-00041-of-00041.safetensors";

    @TempDir
    private Path temporary;

    private FakeHub hub;

    private record Result(int code, String out, String err) {}

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub(new FakeModel(demo()));
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private static SequencedMap<String, byte[]> demo() throws IOException {
        SequencedMap<String, byte[]> files = new LinkedHashMap<>();
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("gatun.demo"), "hqq-small"))) {
            for (Path file : all.sorted().toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return files;
    }

    private Process program(Map<String, String> more, String... arguments) throws IOException, URISyntaxException {
        Path classes = Path.of(
                Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classes + ":" + classes.resolveSibling("lib") + "/*",
                Main.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(temporary.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(temporary.resolve("out").toFile())
                .redirectError(temporary.resolve("err").toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("HF_"));
        builder.environment().put("HF_ENDPOINT", hub.endpoint());
        builder.environment().put("HF_HOME", temporary.resolve("home").toString());
        builder.environment().putAll(more);
        return builder.start();
    }

    private Result finished(Process process) throws IOException, InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it ends").isTrue();
        return new Result(
                process.exitValue(),
                Files.readString(temporary.resolve("out")),
                Files.readString(temporary.resolve("err")));
    }

    private Result run(Map<String, String> more, String... arguments) throws Exception {
        return finished(program(more, arguments));
    }

    private Path snapshot() {
        return temporary.resolve("home/hub/models--owner--tiny-model/snapshots").resolve(FakeModel.COMMIT);
    }

    @Test
    void whatWasPulledRunsByItsNameWithoutANetwork() throws Exception {
        Result pulled = run(Map.of(), "pull", FakeModel.ID);
        assertThat(pulled).isEqualTo(new Result(0, snapshot() + System.lineSeparator(), ""));
        assertThat(snapshot().resolve("SOURCES.md")).doesNotExist();
        hub.close();
        Result told = run(
                Map.of("HF_HUB_OFFLINE", "1"),
                "generate",
                "-m",
                FakeModel.ID,
                "-p",
                "Once upon",
                "-n",
                "3",
                "--backend",
                "cpu");
        assertThat(told.code()).as(told.err()).isZero();
        assertThat(told.out()).isNotBlank();
        assertThat(told.err()).startsWith("owner/tiny-model (");
        assertThat(run(Map.of("HF_HUB_OFFLINE", "1"), "pull", FakeModel.ID)).isEqualTo(pulled);
        Result converted = run(Map.of(), "convert", FakeModel.ID, "converted", "--config", FakeModel.ID);
        assertThat(converted.code()).as(converted.err()).isZero();
        assertThat(run(Map.of(), "inspect", FakeModel.ID).out()).startsWith("owner/tiny-model: Mixtral");
    }

    @Test
    void whatWasDownloadedIsVerifiedByTheHashesThatItLiesUnder() throws Exception {
        assertThat(run(Map.of(), "pull", FakeModel.ID).code()).isZero();
        Result whole = run(Map.of(), "verify", FakeModel.ID);
        assertThat(whole.err()).isEmpty();
        assertThat(whole.out()).contains(" files are whole: Mixtral");
        Path content = snapshot().resolve("config.json").toRealPath();
        byte[] bytes = Files.readAllBytes(content);
        Files.delete(snapshot().resolve("tokenizer.json").toRealPath());
        Files.writeString(content, " ", StandardOpenOption.APPEND);
        Result damaged = run(Map.of(), "verify", FakeModel.ID);
        assertThat(damaged.code()).isEqualTo(ExitCode.USER);
        assertThat(damaged.err().lines())
                .singleElement()
                .asString()
                .contains(
                        "not what the hub's cache says: config.json, tokenizer.json; delete what these links lead to");
        Files.delete(content);
        assertThat(run(Map.of(), "pull", FakeModel.ID).code()).isZero();
        assertThat(content).hasBinaryContent(bytes);
        assertThat(run(Map.of(), "verify", FakeModel.ID)).isEqualTo(whole);
        // One file that nothing is known of, and the others say nothing of the model.
        Files.writeString(snapshot().resolve("more.safetensors"), "x");
        assertThat(run(Map.of(), "verify", FakeModel.ID).err()).contains("has no SHA256SUMS");
    }

    @Test
    void whatIsNotThereIsSaidWithTheCommandThatGetsIt() throws Exception {
        Result result = run(Map.of(), "generate", "-m", "owner/tiny-model@v2", "-p", "x");
        assertThat(result.code()).isEqualTo(ExitCode.USER);
        assertThat(result.err().lines().toList()).hasSize(1);
        assertThat(result.err()).contains("gatun pull owner/tiny-model@v2");
        assertThat(hub.requests()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            pull                                 | OWNER/NAME
            pull model                           | `model` is no OWNER/NAME
            pull a/b@../c                        | is no OWNER/NAME
            pull a/b --all --include x           | mutually exclusive
            pull a/b --nonsense                  | --nonsense
            """)
    void aMistakeIsToldBeforeAnythingIsAsked(String arguments, String words) {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        Console console = new Console(InputStream.nullInputStream(), stream, stream, true, false);
        int code = GatunCommand.execute(console, new AtomicBoolean(), arguments.split(" ", -1));
        assertThat(code).isEqualTo(ExitCode.USER);
        assertThat(err.toString(StandardCharsets.UTF_8)).startsWith("gatun: ").contains(words);
    }

    @Test
    void aFolderOfThatNameWins() throws Exception {
        Files.createDirectories(temporary.resolve(FakeModel.ID));
        Result result = run(Map.of(), "generate", "-m", FakeModel.ID, "-p", "x");
        assertThat(result.err()).contains("this folder has no");
    }

    @Test
    void aRefusalIsOneLineWithoutTheToken() throws Exception {
        hub.answer(request -> Optional.of(Reply.status(403)));
        Result result = run(Map.of("HF_TOKEN", SECRET), "pull", FakeModel.ID, "--dir", "plain");
        assertThat(result.code()).isEqualTo(ExitCode.USER);
        assertThat(result.err().lines().toList()).hasSize(1);
        assertThat(result.err()).startsWith("gatun: owner/tiny-model: ").doesNotContain(SECRET);
        assertThat(hub.requests())
                .allMatch(request -> request.headers().get("authorization").endsWith(SECRET));
    }

    @Test
    void aKilledDownloadIsContinuedWhereItWas() throws Exception {
        Process process = begunDownload();
        process.destroyForcibly();
        finished(process);
        assertContinued();
    }

    @Test
    void controlCEndsADownloadThatCanBeContinued() throws Exception {
        Process process = begunDownload();
        new ProcessBuilder("kill", "-INT", String.valueOf(process.pid()))
                .start()
                .waitFor();
        Result result = finished(process);
        assertThat(result).isEqualTo(new Result(ExitCode.INTERRUPTED, "", ""));
        assertContinued();
    }

    /** The largest file comes to a halt after {@link #BEGUN} bytes. */
    private Process begunDownload() throws Exception {
        hub.answer(request -> {
            Reply usual = hub.usual(request);
            return request.isElsewhere() && isLargest(request)
                    ? Optional.of(usual.cutAfter(BEGUN).silentFor(60_000))
                    : Optional.empty();
        });
        Process process = program(Map.of(), "pull", FakeModel.ID, "--dir", "plain");
        Path work = temporary.resolve("plain/.cache/gatun");
        for (int tries = 0; begun(work) < BEGUN && tries < 600; tries++) {
            Thread.sleep(50);
        }
        assertThat(begun(work)).isEqualTo(BEGUN);
        return process;
    }

    private static long begun(Path work) throws IOException {
        if (!Files.exists(work)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(work)) {
            return files.filter(file -> file.toString().endsWith(".incomplete"))
                    .mapToLong(file -> file.toFile().length())
                    .max()
                    .orElse(0);
        }
    }

    private void assertContinued() throws Exception {
        hub.answerAsUsual();
        hub.forgetRequests();
        assertThat(temporary.resolve("plain").resolve(LARGEST)).doesNotExist();
        Result result = run(Map.of(), "pull", FakeModel.ID, "--dir", "plain");
        assertThat(result).isEqualTo(new Result(0, "plain" + System.lineSeparator(), ""));
        assertThat(temporary.resolve("plain").resolve(LARGEST)).hasBinaryContent(demo().get(LARGEST));
        assertThat(hub.requests())
                .filteredOn(this::isLargest)
                .allMatch(request -> request.headers().get("range").startsWith("bytes=" + BEGUN + "-"));
    }

    private boolean isLargest(FakeHub.Request request) {
        return request.target().contains(LARGEST) || request.target().contains(hub.hashOf(LARGEST));
    }
}
