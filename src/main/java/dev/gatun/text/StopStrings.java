package dev.gatun.text;

import java.util.List;

/**
 * Ends a stream of text before the first stop string in it. Holds back only what could still become a stop string.
 *
 * <p>The rule: the stop string that is complete first counts, and of several complete at one place the longest; the text
 * ends where it begins. So the result is the same however the text is cut into pieces. Not thread-safe; one instance a
 * text.
 */
public final class StopStrings {
    /**
     * What a piece of text brought.
     *
     * @param text what may be shown now, often empty
     * @param stopped whether the text ends here
     */
    public record Result(String text, boolean stopped) {}

    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    /**
     * Begins a text.
     *
     * @param stops what ends it; may be none
     * @throws IllegalArgumentException if one is empty
     */
    public StopStrings(List<String> stops) {
        if (stops.contains("")) {
            throw new IllegalArgumentException("stop string: empty; it would stop every text at once");
        }
        this.stops = List.copyOf(stops);
    }

    /** Takes the next piece of the text; after the stop, all pieces give nothing. */
    public Result append(String text) {
        if (stopped) {
            return new Result("", true);
        }
        int seen = held.length();
        held.append(text);
        for (int end = seen + 1; end <= held.length(); end++) {
            int start = longestStopEndingAt(end);
            if (start >= 0) {
                stopped = true;
                held.setLength(start);
                return new Result(release(start), true);
            }
        }
        return new Result(release(firstPossibleStart()), false);
    }

    /** Ends the text; returns what was held back. */
    public String finish() {
        return release(held.length());
    }

    private int longestStopEndingAt(int end) {
        int start = -1;
        for (String stop : stops) {
            int from = end - stop.length();
            if (from >= 0 && (start < 0 || from < start) && matches(stop, from, stop.length())) {
                start = from;
            }
        }
        return start;
    }

    /** Where the longest end of the text begins that a stop string begins with. */
    private int firstPossibleStart() {
        int first = held.length();
        for (String stop : stops) {
            for (int start = Math.max(0, held.length() - stop.length() + 1); start < first; start++) {
                if (matches(stop, start, held.length() - start)) {
                    first = start;
                }
            }
        }
        return first;
    }

    private boolean matches(String stop, int start, int length) {
        for (int i = 0; i < length; i++) {
            if (held.charAt(start + i) != stop.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private String release(int length) {
        String text = held.substring(0, length);
        held.delete(0, length);
        return text;
    }
}
