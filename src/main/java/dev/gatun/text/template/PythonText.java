package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** Strings as Python treats them: indices count code points, and white space is Python's. */
final class PythonText {
    private PythonText() {}

    /** Whether {@code str.isspace} holds for a code point. */
    static boolean isSpace(int c) {
        return (c >= 0x09 && c <= 0x0D)
                || (c >= 0x1C && c <= 0x20)
                || c == 0x85
                || c == 0xA0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200A)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202F
                || c == 0x205F
                || c == 0x3000;
    }

    static String stripStart(String text, IntPredicate stripped) {
        int start = 0;
        while (start < text.length() && stripped.test(text.codePointAt(start))) {
            start += Character.charCount(text.codePointAt(start));
        }
        return text.substring(start);
    }

    static String stripEnd(String text, IntPredicate stripped) {
        int end = text.length();
        while (end > 0 && stripped.test(text.codePointBefore(end))) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(0, end);
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** The characters of a text, one string each. */
    static List<String> characters(String text) {
        return text.codePoints().mapToObj(Character::toString).toList();
    }

    /** {@code str.split(None, limit)}: at runs of white space; a negative limit is none. */
    static List<String> splitAtSpace(String text, long limit) {
        List<String> parts = new ArrayList<>();
        int start = skip(text, 0, true);
        while (start < text.length()) {
            boolean isLast = limit >= 0 && parts.size() == limit;
            int end = isLast ? text.length() : skip(text, start, false);
            parts.add(text.substring(start, end));
            start = skip(text, end, true);
        }
        return parts;
    }

    /** Where a run of white space, or of anything else, ends that begins at {@code from}. */
    private static int skip(String text, int from, boolean space) {
        int at = from;
        while (at < text.length() && isSpace(text.charAt(at)) == space) {
            at++;
        }
        return at;
    }

    /** {@code str.split(separator, limit)}; the separator is not empty, a negative limit is none. */
    static List<String> split(String text, String separator, long limit) {
        List<String> parts = new ArrayList<>();
        int start = 0;
        int end = text.indexOf(separator);
        while (end >= 0 && (limit < 0 || parts.size() < limit)) {
            parts.add(text.substring(start, end));
            start = end + separator.length();
            end = text.indexOf(separator, start);
        }
        parts.add(text.substring(start));
        return parts;
    }

    /** {@code str.capitalize}. */
    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        return capital(first) + text.substring(Character.charCount(first)).toLowerCase(Locale.ROOT);
    }

    /** The title case of a character, which may be several characters. */
    private static String capital(int c) {
        int title = Character.toTitleCase(c);
        String upper = Character.toString(c).toUpperCase(Locale.ROOT);
        return title != c || upper.length() < 2
                ? Character.toString(title)
                : upper.charAt(0) + upper.substring(1).toLowerCase(Locale.ROOT);
    }

    /** {@code str.title}: a letter that follows no letter is a capital, every other one is not. */
    static String title(String text) {
        StringBuilder title = new StringBuilder(text.length());
        boolean insideWord = false;
        for (int c : text.codePoints().toArray()) {
            title.append(insideWord ? Character.toString(c).toLowerCase(Locale.ROOT) : capital(c));
            insideWord = Character.isLetter(c);
        }
        return title.toString();
    }
}
