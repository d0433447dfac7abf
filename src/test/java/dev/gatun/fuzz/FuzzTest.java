package dev.gatun.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** That {@code make fuzz} finds what it looks for, goes on after it, and says how to see it again. */
class FuzzTest {
    private static final long SEED = 7;
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    private final ByteArrayOutputStream output = new ByteArrayOutputStream();

    @ParameterizedTest
    @EnumSource
    void everyFaultIsFoundAndCanBeSeenAgain(Misbehaviour fault) throws IOException, InterruptedException {
        Duration limit = fault == Misbehaviour.HANG ? Duration.ofSeconds(3) : LONG;
        assertThat(run(5, 6, limit, fault.name())).isFalse();
        assertThat(output())
                .contains("FAILED: seed 7, case 5 (" + fault.name() + "): " + what(fault))
                .contains("make fuzz ARGS=\"--seed 7 --case 5 --formats " + fault.name() + "\"");
    }

    private static String what(Misbehaviour fault) {
        return switch (fault) {
            case CRASH -> "the JVM ends with the code 1\n#\n# A fatal error";
            case HANG -> "it takes longer than 3 s";
            case FILL_HEAP -> "out of memory or stack";
            case FILL_MEMORY -> "the process has grown to 1";
            case RESERVE_MEMORY -> "the process has grown to ";
            case UNDOCUMENTED -> "no documented exception";
            case NAMELESS -> "a message that does not name `";
            case TWO_LINES -> "a message that breaks its line";
        };
    }

    @Test
    void aFaultIsNotTheEnd() throws IOException, InterruptedException {
        assertThat(run(0, 6, LONG, "CRASH", "journal")).isFalse();
        assertThat(output()).containsPattern("CRASH +0 +0 +3").containsPattern("journal +3 +0 +0");
    }

    @Test
    void withoutFaultsAllIsWell() throws IOException, InterruptedException {
        assertThat(run(0, 40, LONG, "journal", "trace")).as(output()).isTrue();
        assertThat(output()).contains("seed 7: 40 cases in ", ", 0 failed; ");
        assertThat(folder.resolve("refusals.txt")).content().contains("it is no routing trace");
    }

    @Test
    void aCaseIsTheSameInEveryJvm() throws IOException {
        Path first = writtenByAnotherJvm("first");
        Path second = writtenByAnotherJvm("second");
        List<Path> files = filesIn(first);
        assertThat(files).hasSizeGreaterThan(Formats.all().size()).isEqualTo(filesIn(second));
        for (Path file : files) {
            assertThat(second.resolve(file)).hasSameBinaryContentAs(first.resolve(file));
        }
    }

    /** Runs one case of every format; returns the folder with what it read. */
    private Path writtenByAnotherJvm(String name) {
        List<String> formats = Formats.all().stream().map(Format::name).toList();
        FuzzPlan plan = new FuzzPlan(SEED, 0, formats.size(), 1, LONG, formats, folder.resolve(name));
        new WorkerProcess(plan, 0, report -> {}).run();
        return plan.files(0);
    }

    private static List<Path> filesIn(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .map(folder::relativize)
                    .sorted()
                    .toList();
        }
    }

    private boolean run(long first, long end, Duration limit, String... formats)
            throws IOException, InterruptedException {
        FuzzPlan plan = new FuzzPlan(SEED, first, end, 1, limit, List.of(formats), folder);
        return new Fuzz(plan, new PrintStream(output, true, StandardCharsets.UTF_8)).run();
    }

    private String output() {
        return output.toString(StandardCharsets.UTF_8);
    }
}
