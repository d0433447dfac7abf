package dev.gatun.input;

/** Names out of files, made fit for a message of one line. */
public final class Quoted {
    private static final int LONGEST = 300;

    private Quoted() {}

    /** The name in backticks. */
    public static String of(Object name) {
        return '`' + oneLine(name.toString()) + '`';
    }

    /** The text with everything escaped that could break a line or hide characters of it, and cut when it is endless. */
    public static String oneLine(String text) {
        String start = text.length() > LONGEST ? text.substring(0, LONGEST) + "..." : text;
        StringBuilder line = new StringBuilder(start.length());
        start.codePoints().forEach(point -> append(line, point));
        return line.toString();
    }

    private static void append(StringBuilder line, int point) {
        switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> line.append(String.format("\\u%04x", point));
            default -> line.appendCodePoint(point);
        }
    }
}
