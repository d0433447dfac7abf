package dev.gatun.fuzz;

import dev.gatun.input.Quoted;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** The command line of {@link Fuzz}. */
final class FuzzArguments {
    private static final long CASES = 100_000;
    private static final long MOST = 1_000_000_000_000L;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private FuzzArguments() {}

    /**
     * What is to run.
     *
     * @throws IllegalArgumentException if there is no such option, or its value is none; says so in one line
     */
    static FuzzPlan plan(String... arguments) {
        long seed = ThreadLocalRandom.current().nextLong(1_000_000);
        long first = 0;
        long cases = CASES;
        List<String> formats = Formats.all().stream().map(Format::name).toList();
        for (int at = 0; at < arguments.length; at += 2) {
            String option = arguments[at];
            String value = at + 1 < arguments.length ? arguments[at + 1] : "";
            switch (option) {
                case "--seed" -> seed = number(option, value, Long.MIN_VALUE, Long.MAX_VALUE);
                case "--cases" -> cases = number(option, value, 1, MOST);
                case "--case" -> {
                    first = number(option, value, 0, MOST);
                    cases = 1;
                }
                case "--formats" -> formats = chosen(value, formats);
                default -> throw new IllegalArgumentException("no such option: " + Quoted.of(option));
            }
        }
        int workers = (int) Math.min(cases, Runtime.getRuntime().availableProcessors());
        return new FuzzPlan(seed, first, first + cases, workers, LIMIT, formats, Path.of("target", "fuzz"));
    }

    private static long number(String option, String value, long least, long most) {
        try {
            long number = Long.parseLong(value);
            if (least <= number && number <= most) {
                return number;
            }
        } catch (NumberFormatException noNumber) {
            // Said below.
        }
        throw new IllegalArgumentException(
                "%s %s: it takes a whole number from %d to %d".formatted(option, Quoted.of(value), least, most));
    }

    private static List<String> chosen(String names, List<String> known) {
        List<String> chosen = List.of(names.split(",", -1));
        if (!known.containsAll(chosen)) {
            throw new IllegalArgumentException(
                    "--formats " + Quoted.of(names) + ": it takes some of " + String.join(",", known));
        }
        return chosen;
    }
}
