package dev.gatun.fuzz;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Counts cases by format and outcome, and refusals by what they say. Safe for several threads. */
final class Tally {
    private static final Pattern NAME = Pattern.compile("`[^`]*(?:`|$)|\"[^\"]*(?:\"|$)|\\[[^\\]]*]");
    /** What the JSON library says, which says the same in many ways. */
    private static final Pattern NO_JSON = Pattern.compile("(not valid JSON): .*");

    private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?(E-?\\d+)?|Infinity");

    private final SequencedMap<String, Map<Report.Event, Integer>> counts = new TreeMap<>();
    private final SequencedMap<String, RefusalClass> refusals = new TreeMap<>();
    private final Map<Long, Long> begun = new TreeMap<>();
    private final List<Report> failures = new ArrayList<>();
    private long ended;
    private long slowestNanos = -1;
    private Report slowest;

    /**
     * Refusals that say the same of different files.
     *
     * @param example one of them
     */
    record RefusalClass(String format, int count, Report example) {}

    synchronized void add(Report report) {
        if (report.event() == Report.Event.BEGUN) {
            begun.put(report.number(), System.nanoTime());
            return;
        }
        ended++;
        time(report);
        counts.computeIfAbsent(report.format(), _ -> new EnumMap<>(Report.Event.class))
                .merge(report.event(), 1, Integer::sum);
        if (report.event() == Report.Event.FAILED) {
            failures.add(report);
        }
        if (report.event() == Report.Event.REFUSED) {
            refusals.merge(
                    classOf(report.detail()),
                    new RefusalClass(report.format(), 1, report),
                    (known, one) -> new RefusalClass(known.format(), known.count() + 1, known.example()));
        }
    }

    private void time(Report report) {
        Long since = begun.remove(report.number());
        long nanos = since == null ? 0 : System.nanoTime() - since;
        if (nanos > slowestNanos) {
            slowestNanos = nanos;
            slowest = report;
        }
    }

    /** The message without what differs from file to file. */
    static String classOf(String message) {
        String known = NO_JSON.matcher(message).replaceAll("$1");
        return NUMBER.matcher(NAME.matcher(known).replaceAll("…")).replaceAll("N");
    }

    synchronized long ended() {
        return ended;
    }

    synchronized List<Report> failures() {
        return List.copyOf(failures);
    }

    synchronized int count(Report.Event event) {
        return counts.values().stream()
                .mapToInt(events -> events.getOrDefault(event, 0))
                .sum();
    }

    /** Lines for people: a row for each format. */
    synchronized List<String> table() {
        List<String> lines = new ArrayList<>();
        lines.add("%-12s %9s %9s %9s".formatted("format", "accepted", "refused", "failed"));
        counts.forEach((format, events) -> lines.add(row(format, events)));
        Map<Report.Event, Integer> all = new EnumMap<>(Report.Event.class);
        for (Report.Event event : Report.Event.values()) {
            all.put(event, count(event));
        }
        lines.add(row("all", all));
        if (slowest != null) {
            lines.add("slowest: case %d (%s), %d ms"
                    .formatted(slowest.number(), slowest.format(), slowestNanos / 1_000_000));
        }
        return lines;
    }

    private static String row(String format, Map<Report.Event, Integer> events) {
        return "%-12s %,9d %,9d %,9d"
                .formatted(
                        format,
                        events.getOrDefault(Report.Event.ACCEPTED, 0),
                        events.getOrDefault(Report.Event.REFUSED, 0),
                        events.getOrDefault(Report.Event.FAILED, 0));
    }

    /** Lines for people: each kind of refusal, how often it came, and an example. */
    synchronized List<String> refusals() {
        List<String> lines = new ArrayList<>();
        refusals.forEach((what, some) -> lines.add("%s\t%d\t%s\t%s"
                .formatted(what, some.count(), some.format(), some.example().detail())));
        return lines;
    }
}
