package dev.gatun.text.template;

import dev.gatun.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into tokens. White space is treated as by Jinja's {@code trim_blocks} and {@code lstrip_blocks}: a
 * statement or comment alone on its line leaves no trace of the line; {@code -} eats all white space beside a tag, {@code
 * +} keeps it.
 */
final class Lexer {
    private static final int LONGEST_SOURCE = 1 << 20;

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    /** Whether the last tag ate a line break, so that text begins a line here. */
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> lex(String source) {
        if (source.length() > LONGEST_SOURCE) {
            throw new TemplateException("it is longer than %d characters".formatted(LONGEST_SOURCE));
        }
        String lines = source.replace("\r\n", "\n").replace('\r', '\n');
        return new Lexer(lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines).lex();
    }

    private List<Token> lex() {
        while (at < source.length()) {
            int begin = nextTag();
            if (begin < 0) {
                addData(source.substring(at));
                moveTo(source.length());
            } else {
                lexTag(begin);
            }
        }
        tokens.add(new Token(Kind.END, "", line));
        return tokens;
    }

    private int nextTag() {
        for (int brace = source.indexOf('{', at); brace >= 0; brace = source.indexOf('{', brace + 1)) {
            if (brace + 1 < source.length() && "{%#".indexOf(source.charAt(brace + 1)) >= 0) {
                return brace;
            }
        }
        return -1;
    }

    private void lexTag(int begin) {
        char kind = source.charAt(begin + 1);
        char sign = begin + 2 < source.length() ? source.charAt(begin + 2) : ' ';
        addData(dataBefore(source.substring(at, begin), kind, sign));
        moveTo(begin + (sign == '-' || sign == '+' ? 3 : 2));
        switch (kind) {
            case '#' -> skipComment();
            case '{' -> lexInside(Kind.OUTPUT_BEGIN, Kind.OUTPUT_END, "}}");
            default -> lexInside(Kind.STATEMENT_BEGIN, Kind.STATEMENT_END, "%}");
        }
    }

    private String dataBefore(String data, char kind, char sign) {
        if (sign == '-') {
            return PythonText.stripEnd(data, PythonText::isSpace);
        }
        int lineStart = data.lastIndexOf('\n') + 1;
        boolean alone = (lineStart > 0 || lineStarts)
                && data.substring(lineStart).codePoints().allMatch(PythonText::isSpace);
        return kind != '{' && sign != '+' && alone ? data.substring(0, lineStart) : data;
    }

    private void addData(String data) {
        if (!data.isEmpty()) {
            tokens.add(new Token(Kind.DATA, data, line));
        }
    }

    private void skipComment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw new TemplateException("the comment has no end", line);
        }
        boolean signed = end > at && "+-".indexOf(source.charAt(end - 1)) >= 0;
        moveTo(signed ? end - 1 : end);
        endTag("#}");
    }

    private void lexInside(Kind begin, Kind end, String endMark) {
        tokens.add(new Token(begin, "", line));
        int brackets = 0;
        while (true) {
            skipSpace();
            if (at >= source.length()) {
                throw new TemplateException("`%s` is missing".formatted(endMark), line);
            }
            if (brackets == 0 && endsHere(endMark)) {
                tokens.add(new Token(end, "", line));
                endTag(endMark);
                return;
            }
            Token token = InsideLexer.next(source, at, line);
            tokens.add(new Token(token.kind(), InsideLexer.value(token), line));
            moveTo(at + token.text().length());
            if (token.kind() == Kind.OPERATOR) {
                brackets += "([{".contains(token.text()) ? 1 : ")]}".contains(token.text()) ? -1 : 0;
            }
        }
    }

    private void skipSpace() {
        while (at < source.length() && PythonText.isSpace(source.charAt(at))) {
            moveTo(at + 1);
        }
    }

    private boolean endsHere(String endMark) {
        boolean plusKnown = !endMark.equals("}}");
        return source.startsWith(endMark, at)
                || source.startsWith("-" + endMark, at)
                || (plusKnown && source.startsWith("+" + endMark, at));
    }

    /** Passes the end of a tag and the white space that belongs to it. */
    private void endTag(String endMark) {
        char sign = source.charAt(at);
        boolean signed = !source.startsWith(endMark, at);
        int end = at + endMark.length() + (signed ? 1 : 0);
        if (sign == '-') {
            while (end < source.length() && PythonText.isSpace(source.charAt(end))) {
                end++;
            }
        } else if (!signed && !endMark.equals("}}") && end < source.length() && source.charAt(end) == '\n') {
            end++;
        }
        moveTo(end);
        lineStarts = source.charAt(end - 1) == '\n';
    }

    private void moveTo(int position) {
        for (; at < position; at++) {
            if (source.charAt(at) == '\n') {
                line++;
            }
        }
    }
}
