package dev.gatun.text.template;

import dev.gatun.text.template.Token.Kind;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The tokens inside of tags: names, numbers, strings, operators. */
final class InsideLexer {
    private static final Pattern NUMBER = Pattern.compile("\\d+(\\.\\d+)?([eE][+-]?\\d+)?");
    private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
    private static final List<String> OPERATORS = List.of(
            "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
            "=", ".", ":", "|", ",");

    private InsideLexer() {}

    /** The token at a place, its text as it stands in the source. */
    static Token next(String source, int at, int line) {
        Matcher matcher = NAME.matcher(source).region(at, source.length());
        if (matcher.lookingAt()) {
            return new Token(Kind.NAME, matcher.group(), line);
        }
        if (matcher.usePattern(NUMBER).lookingAt()) {
            boolean real = matcher.group(1) != null || matcher.group(2) != null;
            return new Token(real ? Kind.REAL : Kind.INTEGER, matcher.group(), line);
        }
        if (source.charAt(at) == '\'' || source.charAt(at) == '"') {
            return new Token(Kind.STRING, source.substring(at, stringEnd(source, at, line)), line);
        }
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, at)) {
                return new Token(Kind.OPERATOR, operator, line);
            }
        }
        throw new TemplateException(
                "`%s` is not understood".formatted(Character.toString(source.codePointAt(at))), line);
    }

    private static int stringEnd(String source, int start, int line) {
        for (int at = start + 1; at < source.length(); at++) {
            if (source.charAt(at) == '\\') {
                at++;
            } else if (source.charAt(at) == source.charAt(start)) {
                return at + 1;
            }
        }
        throw new TemplateException("the string has no end", line);
    }

    /** What a token says: of a string, its value with escapes resolved. */
    static String value(Token token) {
        if (token.kind() != Kind.STRING) {
            return token.text();
        }
        String raw = token.text().substring(1, token.text().length() - 1);
        return raw.indexOf('\\') < 0 ? raw : unescape(raw, token.line());
    }

    private static String unescape(String raw, int line) {
        StringBuilder value = new StringBuilder();
        for (int at = 0; at < raw.length(); at++) {
            char c = raw.charAt(at);
            if (c != '\\') {
                value.append(c);
                continue;
            }
            char escaped = raw.charAt(++at);
            switch (escaped) {
                case 'n' -> value.append('\n');
                case 't' -> value.append('\t');
                case 'r' -> value.append('\r');
                case '\\', '\'', '"' -> value.append(escaped);
                case '\n' -> {
                    // An escaped line break is no character.
                }
                case 'x' -> at = appendCode(raw, at, 2, value, line);
                case 'u' -> at = appendCode(raw, at, 4, value, line);
                case 'U' -> at = appendCode(raw, at, 8, value, line);
                case 'a', 'b', 'f', 'v', 'N', '0', '1', '2', '3', '4', '5', '6', '7' ->
                    throw new TemplateException("the escape `\\%s` is not supported".formatted(escaped), line);
                // Python keeps the backslash of what is no escape.
                default -> value.append('\\').append(escaped);
            }
        }
        return value.toString();
    }

    private static int appendCode(String raw, int at, int digits, StringBuilder value, int line) {
        int end = at + 1 + digits;
        try {
            value.appendCodePoint(Integer.parseInt(raw.substring(at + 1, end), 16));
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            TemplateException broken = new TemplateException(
                    "the escape `\\%s` needs %d hexadecimal digits".formatted(raw.charAt(at), digits), line);
            broken.initCause(e);
            throw broken;
        }
        return end - 1;
    }
}
