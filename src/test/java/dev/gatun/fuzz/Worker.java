package dev.gatun.fuzz;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs some of the cases in a JVM of its own, and tells of each when it begins and when it ends: the last line says which
 * case ended the JVM.
 */
final class Worker {
    /** What the process may use: its heap and direct memory, code, classes, stacks; more is a leak or worse. */
    private static final long MOST_MEMORY_KB = 1_000_000;

    /** What it may ask for: a JVM reserves some GB that it does not use. */
    private static final long MOST_RESERVED_KB = 12_000_000;

    private static final Path STATUS = Path.of("/proc/self/status");

    private Worker() {}

    /** Arguments: a folder for files, the seed, the first case, the step to the next, the end, names of formats. */
    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Path folder = Path.of(arguments[0]);
        clear(folder);
        Workbench bench = new Workbench(
                folder, Long.parseLong(arguments[1]), formats(List.of(arguments).subList(5, arguments.length)));
        long step = Long.parseLong(arguments[3]);
        long end = Long.parseLong(arguments[4]);
        for (long number = Long.parseLong(arguments[2]); number < end; number += step) {
            DamagedFiles files = bench.damage(number);
            out.println(Report.begun(files).toLine());
            Outcome outcome = bench.use(files);
            long used = peak("VmHWM:");
            long reserved = peak("VmPeak:");
            boolean isTooMuch = used > MOST_MEMORY_KB || reserved > MOST_RESERVED_KB;
            Outcome judged = isTooMuch
                    ? new Outcome.Failed("the process has grown to " + (used >> 10) + " MiB, and reserved "
                            + (reserved >> 10) + " MiB")
                    : outcome;
            out.println(Report.ended(files, judged).toLine());
            if (isTooMuch) {
                // The next process begins small again.
                return;
            }
        }
    }

    /** Removes what a process before this one left. */
    private static void clear(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static List<Format> formats(List<String> names) {
        List<Format> known = new ArrayList<>(Formats.all());
        known.addAll(List.of(Misbehaviour.values()));
        return names.stream()
                .map(name -> known.stream()
                        .filter(format -> format.name().equals(name))
                        .findFirst()
                        .orElseThrow())
                .toList();
    }

    private static long peak(String what) throws IOException {
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith(what))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
        }
    }
}
