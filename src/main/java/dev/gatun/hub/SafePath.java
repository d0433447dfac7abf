package dev.gatun.hub;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A path with slashes that stays below the folder it is resolved against, whoever chose it.
 *
 * @param segments its names, each one plain
 */
record SafePath(List<String> segments) {
    private static final int MOST_SEGMENTS = 16;
    private static final int LONGEST_SEGMENT = 200;

    SafePath {
        segments = List.copyOf(segments);
    }

    /** The path, or nothing if it is absolute, climbs, hides characters, or is longer than file systems take. */
    static Optional<SafePath> of(String text) {
        List<String> segments = Arrays.asList(text.split("/", -1));
        boolean safe = segments.size() <= MOST_SEGMENTS && segments.stream().allMatch(SafePath::isPlain);
        return safe ? Optional.of(new SafePath(segments)) : Optional.empty();
    }

    private static boolean isPlain(String segment) {
        return !segment.isEmpty()
                && !segment.equals(".")
                && !segment.equals("..")
                && segment.getBytes(StandardCharsets.UTF_8).length <= LONGEST_SEGMENT
                && segment.codePoints().allMatch(SafePath::isVisible);
    }

    private static boolean isVisible(int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> point != '\\';
        };
    }

    String first() {
        return segments.getFirst();
    }

    String name() {
        return segments.getLast();
    }

    /** The folders above the name. */
    List<String> folders() {
        return segments.subList(0, segments.size() - 1);
    }

    @Override
    public String toString() {
        return String.join("/", segments);
    }
}
