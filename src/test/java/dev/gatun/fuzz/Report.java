package dev.gatun.fuzz;

import java.util.Optional;

/**
 * What a worker tells of a case, as one line: its words are between tabs.
 *
 * @param event what happened
 * @param number the case's
 * @param format the format's name
 * @param detail the files at the beginning, a message at the end
 */
record Report(Event event, long number, String format, String detail) {
    private static final String MARK = "#gatun";

    /** What can be told. */
    enum Event {
        BEGUN,
        ACCEPTED,
        REFUSED,
        FAILED
    }

    static Report begun(DamagedFiles files) {
        return new Report(Event.BEGUN, files.number(), files.format().name(), String.join(", ", files.files()));
    }

    static Report ended(DamagedFiles files, Outcome outcome) {
        return switch (outcome) {
            case Outcome.Accepted() -> ended(files, Event.ACCEPTED, "");
            case Outcome.Refused(String message) -> ended(files, Event.REFUSED, message);
            case Outcome.Failed(String what) -> ended(files, Event.FAILED, what);
        };
    }

    private static Report ended(DamagedFiles files, Event event, String detail) {
        return new Report(event, files.number(), files.format().name(), detail);
    }

    String toLine() {
        String escaped = detail.replace("\\", "\\\\")
                .replace("\n", "\\n")
                .replace("\r", "\\r")
                .replace("\t", "\\t");
        return String.join("\t", MARK, event.name(), String.valueOf(number), format, escaped);
    }

    /** Reads a line; empty if it is none of these. */
    static Optional<Report> parse(String line) {
        String[] words = line.split("\t", -1);
        return words.length == 5 && words[0].equals(MARK)
                ? Optional.of(new Report(
                        Event.valueOf(words[1]), Long.parseLong(words[2]), words[3], words[4].translateEscapes()))
                : Optional.empty();
    }
}
