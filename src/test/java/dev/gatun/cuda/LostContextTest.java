package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tagged apart, since a memory checker finds the fault, and changes its error. */
@RequiresGpu
@Tag("fault")
class LostContextTest {
    @TempDir
    private Path temporary;

    @Test
    void aFaultInAKernelIsReportedByEveryLaterCall() throws Exception {
        Path output = temporary.resolve("output");
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        root(CudaDevice.class) + ":" + root(LoseContext.class),
                        LoseContext.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(child.waitFor(60, TimeUnit.SECONDS))
                    .as("it ends; so far it said %s", Files.readString(output))
                    .isTrue();
        } finally {
            child.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(output);
        assertThat(child.exitValue()).as("%s", lines).isZero();
        assertThat(lines)
                .hasSize(3)
                .allMatch(line -> line.startsWith("true ") && line.endsWith("start the program again"));
        assertThat(lines.getFirst())
                .startsWith("true waiting for a stream: cudaErrorIllegalAddress, ")
                .contains("the CUDA context is lost");
        assertThat(lines.get(1)).startsWith("true allocating 16 bytes on GPU 0");
        assertThat(lines.get(2)).startsWith("true waiting for a stream that is closed");
    }

    /** The folder or jar that a class lies in. */
    private static Path root(Class<?> type) throws Exception {
        String file = type.getName().replace('.', '/') + ".class";
        String url = type.getResource("/" + file).toString();
        return Path.of(URI.create(url.substring(0, url.length() - file.length())));
    }
}
