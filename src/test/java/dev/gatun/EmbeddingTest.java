package dev.gatun;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's program, compiled and run as a module of its own that knows Gatun from the module path alone. */
class EmbeddingTest {
    private static final Pattern PROGRAM = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path temporary;

    @Test
    void theProgramInTheReadmeRuns() throws Exception {
        Path project = Path.of(System.getProperty("gatun.demo")).getParent().getParent();
        String modulePath = project.resolve("target/classes") + ":" + project.resolve("target/lib");
        Path sources = Files.createDirectories(temporary.resolve("src"));
        Files.writeString(sources.resolve("module-info.java"), "module story { requires dev.gatun; }\n");
        Path story = Files.createDirectories(sources.resolve("story")).resolve("Story.java");
        Files.writeString(story, program(project.resolve("README.md")));
        Path classes = temporary.resolve("classes");
        compile(modulePath, classes, sources.resolve("module-info.java"), story);

        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=dev.gatun",
                        "--illegal-native-access=deny",
                        "-p",
                        modulePath + ":" + classes,
                        "-m",
                        "story/story.Story",
                        DemoModel.FOLDER.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("tokens/s").hasSizeGreaterThan(100).doesNotContain("WARNING");
    }

    private static String program(Path readme) throws IOException {
        Matcher block = PROGRAM.matcher(Files.readString(readme));
        assertThat(block.find()).as("a java block in the README").isTrue();
        return block.group(1);
    }

    private static void compile(String modulePath, Path classes, Path... sources) {
        StringWriter messages = new StringWriter();
        String[] arguments = new String[6 + sources.length];
        String[] options = {"-p", modulePath, "-d", classes.toString(), "-Xlint:all", "-Werror"};
        System.arraycopy(options, 0, arguments, 0, options.length);
        for (int i = 0; i < sources.length; i++) {
            arguments[options.length + i] = sources[i].toString();
        }
        PrintWriter out = new PrintWriter(messages);
        int code = ToolProvider.findFirst("javac").orElseThrow().run(out, out, arguments);
        assertThat(code).as(messages.toString()).isZero();
    }
}
