package dev.gatun.text.template;

/**
 * A token of a template.
 *
 * @param kind what it is
 * @param text what it says; of a string, its value
 * @param line where it begins, from 1
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        /** Text outside of tags. */
        DATA,
        OUTPUT_BEGIN,
        OUTPUT_END,
        STATEMENT_BEGIN,
        STATEMENT_END,
        NAME,
        STRING,
        INTEGER,
        REAL,
        OPERATOR,
        END
    }

    boolean is(Kind otherKind, String otherText) {
        return kind == otherKind && text.equals(otherText);
    }

    boolean isOperator(String operator) {
        return is(Kind.OPERATOR, operator);
    }

    boolean isName(String name) {
        return is(Kind.NAME, name);
    }

    String describe() {
        return switch (kind) {
            case DATA -> "text";
            case OUTPUT_BEGIN -> "`{{`";
            case OUTPUT_END -> "`}}`";
            case STATEMENT_BEGIN -> "`{%`";
            case STATEMENT_END -> "`%}`";
            case END -> "the end of the template";
            default -> "`" + text + "`";
        };
    }
}
