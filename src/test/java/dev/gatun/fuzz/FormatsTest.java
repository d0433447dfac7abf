package dev.gatun.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.gatun.checkpoint.Seeds;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Some of the cases of {@code make fuzz}. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // against a hang; each takes a second
class FormatsTest {
    private static final int CASES = 100;

    @TempDir
    private Path folder;

    static List<Format> formats() {
        return Formats.all();
    }

    @ParameterizedTest
    @MethodSource("formats")
    void undamagedFilesAreAccepted(Format format) throws IOException {
        long seed = Seeds.next();
        format.write(folder, seed);
        assertThatCode(() -> format.use(folder)).as(Seeds.hint(seed)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @MethodSource("formats")
    void damagedFilesAreReadOrRefusedInOneLine(Format format) throws IOException {
        long seed = Seeds.next();
        Workbench bench = new Workbench(folder, seed, List.of(format));
        for (int number = 0; number < CASES; number++) {
            assertThat(bench.run(number))
                    .as("case %d of %s, %s", number, format.name(), Seeds.hint(seed))
                    .isNotInstanceOf(Outcome.Failed.class);
        }
    }
}
