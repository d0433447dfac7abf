package dev.gatun.fuzz;

import dev.gatun.Model;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs every n-th case in JVMs with little memory: another one from the next case on where one was ended. It is run by a
 * thread of its own; another one watches.
 */
final class WorkerProcess implements Runnable {
    private static final List<String> LITTLE_MEMORY = List.of(
            "-Xmx256m",
            "-XX:MaxDirectMemorySize=128m",
            "-XX:+UseSerialGC",
            "-XX:-CreateCoredumpOnCrash",
            "-Xshare:auto",
            "--enable-native-access=ALL-UNNAMED");

    /** Lines of a JVM's own to keep: what it says when it dies. */
    private static final int MOST_WORDS = 60;

    private final FuzzPlan plan;
    private final int worker;
    private final Consumer<Report> listener;
    private final List<String> lastWords = new ArrayList<>();
    private volatile Optional<Running> running = Optional.empty();
    private volatile boolean stopped;

    /** A case that runs, or is being made. */
    private record Running(Process process, long number, long since) {
        static Running from(Process process, long number) {
            return new Running(process, number, System.nanoTime());
        }
    }

    /** @param listener hears of each case that begins or ends, from this one's thread */
    WorkerProcess(FuzzPlan plan, int worker, Consumer<Report> listener) {
        this.plan = plan;
        this.worker = worker;
        this.listener = listener;
    }

    @Override
    public void run() {
        try {
            long next = plan.first() + worker;
            while (next < plan.end() && !stopped) {
                next = runFrom(next);
            }
        } catch (IOException | InterruptedException | URISyntaxException broken) {
            throw new IllegalStateException("a worker cannot be run", broken);
        }
    }

    /** Ends a case that takes longer than it may. */
    void endWhatHangs() {
        running.filter(some -> System.nanoTime() - some.since() > plan.limit().toNanos())
                .ifPresent(some -> some.process().destroyForcibly());
    }

    /** Ends it all. */
    void stop() {
        stopped = true;
        running.ifPresent(some -> some.process().destroyForcibly());
    }

    /** Runs one process to its end; returns the case for the next to begin with. */
    private long runFrom(long first) throws IOException, InterruptedException, URISyntaxException {
        Process process =
                new ProcessBuilder(command(first)).redirectErrorStream(true).start();
        lastWords.clear();
        Running last = Running.from(process, first);
        running = Optional.of(last);
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                last = hear(last, line);
                running = Optional.of(last);
            }
        }
        int code = process.waitFor();
        running = Optional.empty();
        if (stopped) {
            return plan.end();
        }
        if (code == 0) {
            return last.number();
        }
        listener.accept(new Report(Report.Event.FAILED, last.number(), plan.format(last.number()), end(code)));
        return last.number() + plan.workers();
    }

    /** Returns what runs after a line. */
    private Running hear(Running before, String line) {
        Optional<Report> report = Report.parse(line);
        if (report.isEmpty()) {
            if (lastWords.size() < MOST_WORDS) {
                lastWords.add(line);
            }
            return before;
        }
        listener.accept(report.get());
        long number = report.get().number();
        boolean begins = report.get().event() == Report.Event.BEGUN;
        return Running.from(before.process(), begins ? number : number + plan.workers());
    }

    private String end(int code) {
        String words = String.join("\n", lastWords);
        return code == 128 + 9
                ? "it takes longer than " + plan.limit().toSeconds() + " s"
                : "the JVM ends with the code " + code + "\n" + words;
    }

    private List<String> command(long first) throws URISyntaxException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(LITTLE_MEMORY);
        command.add("-XX:ErrorFile=" + plan.folder().resolve("hs_err_%p.log"));
        command.add("-Dgatun.test.data=" + System.getProperty("gatun.test.data"));
        command.addAll(List.of("-cp", classPath(), Worker.class.getName()));
        command.add(plan.files(worker).toString());
        Stream.of(plan.seed(), first, (long) plan.workers(), plan.end())
                .forEach(number -> command.add(String.valueOf(number)));
        command.addAll(plan.formats());
        return command;
    }

    /** This JVM's, be it of modules or not. */
    private static String classPath() throws URISyntaxException {
        return Stream.of(
                        System.getProperty("java.class.path", ""),
                        System.getProperty("jdk.module.path", ""),
                        root(Worker.class),
                        root(Model.class))
                .filter(part -> !part.isEmpty())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** The folder of classes that a class lies in, which must not be a jar. */
    private static String root(Class<?> type) throws URISyntaxException {
        String name = "/" + type.getName().replace('.', '/') + ".class";
        Path file = Path.of(type.getResource(name).toURI());
        Path root = file;
        for (int depth = name.split("/", -1).length; depth > 1; depth--) {
            root = root.getParent();
        }
        return root.toString();
    }
}
