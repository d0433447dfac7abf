package dev.gatun.text.template;

import dev.gatun.text.template.Token.Kind;
import java.util.List;

/** Reads tokens one after the other. */
final class TokenCursor {
    /** Bounds the recursion over one expression; those of real templates have a few dozen tokens. */
    private static final int LONGEST_TAG = 1000;

    private static final int DEEPEST = 100;

    private final List<Token> tokens;
    private int at;
    private int tagBegin;
    private int depth;

    TokenCursor(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peekSecond() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        if (token.kind() == Kind.OUTPUT_BEGIN || token.kind() == Kind.STATEMENT_BEGIN) {
            tagBegin = at;
        } else if (at - tagBegin > LONGEST_TAG && token.kind() != Kind.DATA) {
            throw new TemplateException("the tag has more than %d parts".formatted(LONGEST_TAG), token.line());
        }
        at = Math.min(at + 1, tokens.size() - 1);
        return token;
    }

    /** Passes an operator if it is next. */
    boolean skipOperator(String operator) {
        boolean found = peek().isOperator(operator);
        if (found) {
            next();
        }
        return found;
    }

    /** Passes a keyword if it is next. */
    boolean skipName(String name) {
        boolean found = peek().isName(name);
        if (found) {
            next();
        }
        return found;
    }

    void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("`" + operator + "`");
        }
    }

    void expectName(String name) {
        if (!skipName(name)) {
            throw unexpected("`" + name + "`");
        }
    }

    Token expect(Kind kind, String description) {
        if (peek().kind() != kind) {
            throw unexpected(description);
        }
        return next();
    }

    TemplateException unexpected(String wanted) {
        return new TemplateException("%s stands where %s should".formatted(peek().describe(), wanted), peek().line());
    }

    void enter() {
        if (++depth > DEEPEST) {
            throw new TemplateException("it is nested more than %d deep".formatted(DEEPEST), peek().line());
        }
    }

    void leave() {
        depth--;
    }
}
