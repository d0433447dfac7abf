package dev.gatun.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkbenchTest {
    private static final int CASES = 400;

    @TempDir
    private Path folder;

    @Test
    void filesAreDeletedEmptiedAndPutBack() throws IOException {
        Workbench bench = new Workbench(folder, 7, List.of(new TraceFormat()));
        int deleted = 0;
        int emptied = 0;
        int others = 0;
        for (int number = 0; number < CASES; number++) {
            Path file = bench.damage(number).folder().resolve("trace.jsonl");
            if (!Files.exists(file)) {
                deleted++;
            } else if (Files.size(file) == 0) {
                emptied++;
            } else {
                others++;
            }
        }
        assertThat(deleted).isPositive();
        assertThat(emptied).isPositive();
        assertThat(others).isGreaterThan(CASES / 2);
    }
}
