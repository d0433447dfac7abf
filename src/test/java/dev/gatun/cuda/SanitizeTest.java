package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The script of {@code make sanitize}, with programs in the places of Maven, Java, the checker and the driver's, and no others
 * on the PATH than those it is written with.
 */
@Timeout(60)
class SanitizeTest {
    private static final Path LAUNCHER = Path.of("src", "launcher").toAbsolutePath();
    private static final List<String> TOOLS = List.of("memcheck", "racecheck", "initcheck", "synccheck");

    /** What the script and the programs below call. */
    private static final List<String> PROGRAMS =
            List.of("sh", "env", "cat", "dirname", "echo", "grep", "ln", "mkdir", "readlink", "rm");

    /** Asks the java it was given for a module, then has it run tests, as Surefire does, and writes the report of one class. */
    private static final String MAVEN = """
            #!/bin/sh
            echo "maven $*" >> "$NOTES"
            case " $* " in *" test-compile "*) exit "${COMPILER:-0}" ;; esac
            for argument; do
              case $argument in -Djvm=*) java=${argument#-Djvm=} ;; esac
            done
            "$java" @module || exit
            status=0
            "$java" the tests || status=$?
            mkdir -p target/surefire-reports
            for class in ${CLASSES-One Two}; do
              echo "<testsuite tests=\\"3\\" skipped=\\"${SKIPPED:-0}\\"><testcase name=\\"$class\\"/></testsuite>" \\
                > "target/surefire-reports/TEST-$class.xml"
            done
            exit $status
            """;

    /** Reports what it is told to, about one of the tools. */
    private static final String CHECKER = """
            #!/bin/sh
            [ "$1" = --tool ] && [ "$3 $4 $5 $6 $7" = "--report-api-errors no --error-exitcode 9 --log-file" ] || exit 1
            tool=$2 log=$8
            echo "checker $tool" >> "$NOTES"
            shift 8
            "$@" || exit
            summary="========= ERROR SUMMARY: 0 errors" status=0
            [ "$tool" != racecheck ] || summary="========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"
            [ "$tool" != "$SPOILT" ] || summary=${SUMMARY-$summary} status=${STATUS:-0}
            printf '========= COMPUTE-SANITIZER\\n%s\\n' "$summary" > "$log"
            exit "$status"
            """;

    @TempDir
    private Path temporary;

    private record Result(int code, String out, String err) {}

    @BeforeEach
    void standIn() throws IOException {
        for (String program : PROGRAMS) {
            Path real = Stream.of("/usr/bin", "/bin")
                    .map(folder -> Path.of(folder, program))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElseThrow();
            Files.createSymbolicLink(Files.createDirectories(bin()).resolve(program), real);
        }
        write(bin().resolve("mvn"), MAVEN);
        write(bin().resolve("compute-sanitizer"), CHECKER);
        write(bin().resolve("nvidia-smi"), "#!/bin/sh\necho 'GPU 0: of this test'\n");
        write(jdk().resolve("bin/java"), "#!/bin/sh\necho \"java $*\" >> \"$NOTES\"\n");
        Files.writeString(jdk().resolve("release"), "JAVA_VERSION=\"25\"\n");
    }

    private Path bin() {
        return temporary.resolve("path");
    }

    private Path jdk() {
        return temporary.resolve("jdk");
    }

    private static void write(Path script, String text) throws IOException {
        Files.createDirectories(script.getParent());
        Files.writeString(script, text);
        assertThat(script.toFile().setExecutable(true)).isTrue();
    }

    private Result run(Map<String, String> environment) throws Exception {
        Path project = Files.createDirectories(temporary.resolve("project"));
        ProcessBuilder builder = new ProcessBuilder(
                        LAUNCHER.resolve("sanitize").toString(), jdk().toString(), "env", "A=b", "mvn", "-Dtest=Some")
                .directory(project.toFile())
                .redirectOutput(temporary.resolve("out").toFile())
                .redirectError(temporary.resolve("err").toFile());
        builder.environment().clear();
        builder.environment()
                .putAll(Map.of(
                        "PATH",
                        bin().toString(),
                        "NOTES",
                        temporary.resolve("notes").toString()));
        builder.environment().putAll(environment);
        Process process = builder.start();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("it ends").isTrue();
        return new Result(
                process.exitValue(),
                Files.readString(temporary.resolve("out")),
                Files.readString(temporary.resolve("err")));
    }

    /** What the programs noted that begins like this. */
    private List<String> notes(String beginning) throws IOException {
        Path notes = temporary.resolve("notes");
        return Files.exists(notes)
                ? Files.readAllLines(notes).stream()
                        .filter(line -> line.startsWith(beginning))
                        .toList()
                : List.of();
    }

    private static void requireFailure(Result result, String reason) {
        assertThat(result.code()).as(result.toString()).isEqualTo(1);
        assertThat(result.err()).contains(reason);
    }

    /** The checker is called for no tool behind this one. */
    private void requireStoppedAt(String tool) throws IOException {
        assertThat(notes("checker"))
                .containsExactlyElementsOf(TOOLS.subList(0, TOOLS.indexOf(tool) + 1).stream()
                        .map(each -> "checker " + each)
                        .toList());
    }

    @Test
    void fourToolsThatFindNothingAreASuccess() throws Exception {
        Result result = run(Map.of());
        assertThat(result.code()).as(result.toString()).isZero();
        assertThat(result.err()).isEmpty();
        requireStoppedAt("synccheck");
        assertThat(notes("java @module")).hasSize(4);
        assertThat(notes("java the tests")).hasSize(4);
        assertThat(notes("maven -Dtest=Some -q test-compile")).hasSize(1);
        assertThat(notes("maven -Dtest=Some -q surefire:test"))
                .hasSize(4)
                .allMatch(line -> line.contains("-Dgroups=gpu -DexcludedGroups=fault | model -Dgatun.test.jvm="))
                .satisfies(lines -> assertThat(lines.getFirst()).endsWith("=2 -Dgatun.test.guard=0"))
                .satisfies(lines -> assertThat(lines.subList(1, 4)).allMatch(line -> line.endsWith("cases=2")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"memcheck", "racecheck", "initcheck", "synccheck"})
    void aToolThatFindsSomethingIsAFailure(String tool) throws Exception {
        Result result = run(Map.of("SPOILT", tool, "SUMMARY", "========= ERROR SUMMARY: 2 errors", "STATUS", "9"));
        requireFailure(result, tool + ": the tests failed");
        assertThat(result.err()).contains("ERROR SUMMARY: 2 errors");
        requireStoppedAt(tool);
    }

    @ParameterizedTest
    @CsvSource({
        "memcheck, ERROR SUMMARY: 1 error",
        "initcheck, ERROR SUMMARY: 10 errors",
        "racecheck, 'RACECHECK SUMMARY: 3 hazards displayed (0 errors, 3 warnings)'",
        "racecheck, 'RACECHECK SUMMARY: 0 hazards displayed\nERROR SUMMARY: 7 errors'"
    })
    void whatIsFoundIsAFailureThoughTheTestsPassed(String tool, String summary) throws Exception {
        Result result = run(Map.of("SPOILT", tool, "SUMMARY", summary));
        requireFailure(result, tool + ": found something");
        assertThat(result.err()).contains(summary);
        requireStoppedAt(tool);
    }

    @Test
    void testsThatFailAreAFailureThoughNothingWasFound() throws Exception {
        requireFailure(run(Map.of("SPOILT", "racecheck", "STATUS", "1")), "racecheck: the tests failed");
        requireStoppedAt("racecheck");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "========= Target application terminated before first instrumented API call"})
    void aReportWithoutASummaryIsAFailure(String summary) throws Exception {
        requireFailure(run(Map.of("SPOILT", "initcheck", "SUMMARY", summary)), "initcheck: no summary");
        requireStoppedAt("initcheck");
    }

    @Test
    void noReportIsAFailureAndAnOldOneCountsForNothing() throws Exception {
        assertThat(run(Map.of()).code()).isZero();
        write(bin().resolve("compute-sanitizer"), "#!/bin/sh\n");
        requireFailure(run(Map.of()), "memcheck: no summary");
    }

    @Test
    void testsThatWereSkippedAreAFailure() throws Exception {
        requireFailure(run(Map.of("SKIPPED", "1")), "memcheck: tests were skipped");
        requireStoppedAt("memcheck");
    }

    @Test
    void noTestsAreAFailureWhateverRanBefore() throws Exception {
        assertThat(run(Map.of()).code()).isZero();
        requireFailure(run(Map.of("CLASSES", "")), "memcheck: no test ran");
    }

    @Test
    void testsThatDoNotCompileAreAFailure() throws Exception {
        assertThat(run(Map.of("COMPILER", "1")).code()).isEqualTo(1);
        assertThat(notes("checker")).isEmpty();
    }

    @Test
    void withoutTheCheckerItSaysWhatIsMissing() throws Exception {
        Files.delete(bin().resolve("compute-sanitizer"));
        requireFailure(run(Map.of()), "no compute-sanitizer on the PATH");
        assertThat(notes("maven")).isEmpty();
    }

    @Test
    void withoutAGpuItSaysSo() throws Exception {
        write(bin().resolve("nvidia-smi"), "#!/bin/sh\necho 'No devices found.'\n");
        requireFailure(run(Map.of()), "no NVIDIA GPU here");
        Files.delete(bin().resolve("nvidia-smi"));
        requireFailure(run(Map.of()), "no NVIDIA GPU here");
        assertThat(notes("maven")).isEmpty();
    }
}
