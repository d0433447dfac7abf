package dev.gatun.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real CPU library in real JVMs, each with a cache of its own. */
class NativeLibrariesTest {
    private static final String FILE = "libgatun_cpu.so";

    @TempDir
    Path folder;

    @Test
    void jvmsThatRaceForAnEmptyCacheAllLoad() throws Exception {
        List<Process> children = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            children.add(start());
        }

        for (Process child : children) {
            List<String> lines = output(child);
            assertThat(lines).hasSize(2).allMatch(line -> line.startsWith(folder.resolve("gatun/natives") + "/"));
            assertThat(lines.getFirst()).isEqualTo(lines.getLast()).endsWith("-" + FILE);
        }
        try (Stream<Path> files = Files.list(folder.resolve("gatun/natives"))) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void aHomeThatIsAFileIsNoObstacle() throws Exception {
        folder = Files.createFile(folder.resolve("file"));

        assertThat(output(start())).hasSize(2).allMatch(line -> line.contains("/gatun-"));
    }

    @Test
    void theNamedFolderIsUsed() throws Exception {
        Path copy = folder.resolve(FILE);
        try (InputStream stream = NativeLibraries.class.getResourceAsStream("linux-x86_64/" + FILE)) {
            Files.copy(stream, copy);
        }

        assertThat(output(start("-Dgatun.natives=" + folder))).containsOnly(copy.toString());
    }

    @Test
    void aFileThatIsNoLibraryIsAnErrorOfOneLine() throws Exception {
        Path copy = Files.writeString(folder.resolve(FILE), "not a library");

        assertThat(output(start("-Dgatun.natives=" + folder)))
                .last()
                .asString()
                .startsWith("cannot load `" + copy + "`: ");
    }

    private Process start(String... options) throws IOException, URISyntaxException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xshare:auto", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", root(NativeLibraries.class) + ":" + root(LoadInChild.class)));
        command.addAll(List.of(LoadInChild.class.getName(), FILE));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("XDG_CACHE_HOME", folder.toString());
        return builder.start();
    }

    /** The folder of classes that a class lies in, which must not be a jar. */
    private static Path root(Class<?> type) throws URISyntaxException {
        String name = "/" + type.getName().replace('.', '/') + ".class";
        URL url = type.getResource(name);
        Path file = Path.of(url.toURI());
        return file.getRoot()
                .resolve(file.subpath(0, file.getNameCount() - type.getName().split("\\.", -1).length));
    }

    private static List<String> output(Process child) throws IOException, InterruptedException {
        String text = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor()).as(text).isZero();
        return text.lines().toList();
    }
}
