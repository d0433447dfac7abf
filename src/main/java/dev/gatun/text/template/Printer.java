package dev.gatun.text.template;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** Values as Python's {@code str} and {@code repr} write them. */
final class Printer {
    private final Budget budget;

    Printer(Budget budget) {
        this.budget = budget;
    }

    /** What {@code str} gives. Undefined values are refused: Jinja would print nothing, and nobody would notice. */
    String string(Value value) {
        return value instanceof Value.Text(String text) ? text : repr(value);
    }

    private String repr(Value value) {
        StringBuilder out = new StringBuilder();
        repr(value, out);
        return out.toString();
    }

    private void repr(Value value, StringBuilder out) {
        budget.spend(1);
        switch (value) {
            case Value.Text(String text) -> quote(text, out);
            case Value.None _ -> out.append("None");
            case Value.Bool(boolean bool) -> out.append(bool ? "True" : "False");
            case Value.Int(long integer) -> out.append(integer);
            case Value.Real(double real) -> out.append(real(real));
            case Value.Sequence(List<Value> items, Value.Kind kind, int _) -> sequence(items, kind, out);
            case Value.Dict(Map<String, Value> entries, int _) -> dict(entries, out);
            default -> throw new TemplateException("%s cannot be printed".formatted(value.typeName()));
        }
    }

    private void sequence(List<Value> items, Value.Kind kind, StringBuilder out) {
        if (kind != Value.Kind.LIST && kind != Value.Kind.TUPLE) {
            throw new TemplateException("a range or view of a dict cannot be printed; put `| list` behind it");
        }
        out.append(kind == Value.Kind.LIST ? '[' : '(');
        String separator = "";
        for (Value item : items) {
            out.append(separator);
            repr(item, out);
            separator = ", ";
        }
        if (kind == Value.Kind.TUPLE && items.size() == 1) {
            out.append(',');
        }
        out.append(kind == Value.Kind.LIST ? ']' : ')');
    }

    private void dict(Map<String, Value> entries, StringBuilder out) {
        out.append('{');
        String separator = "";
        for (Map.Entry<String, Value> entry : entries.entrySet()) {
            out.append(separator);
            quote(entry.getKey(), out);
            out.append(": ");
            repr(entry.getValue(), out);
            separator = ", ";
        }
        out.append('}');
    }

    private void quote(String text, StringBuilder out) {
        budget.spend(text.length());
        char mark = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(mark);
        text.codePoints().forEach(c -> quote(c, mark, out));
        out.append(mark);
    }

    private static void quote(int c, char mark, StringBuilder out) {
        switch (c) {
            case '\n' -> out.append("\\n");
            case '\r' -> out.append("\\r");
            case '\t' -> out.append("\\t");
            case '\\' -> out.append("\\\\");
            default -> {
                if (c == mark) {
                    out.append('\\').append(mark);
                } else if (isPrintable(c)) {
                    out.appendCodePoint(c);
                } else {
                    out.append(
                            c < 0x100
                                    ? "\\x%02x".formatted(c)
                                    : c < 0x10000 ? "\\u%04x".formatted(c) : "\\U%08x".formatted(c));
                }
            }
        }
    }

    /** Python's rule: no controls, formats, surrogates, private or unassigned characters, no separators but the space. */
    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }

    /** The shortest digits that give the number back, with an exponent only where Python has one. */
    static String real(double real) {
        if (!Double.isFinite(real)) {
            return Double.isNaN(real) ? "nan" : real > 0 ? "inf" : "-inf";
        }
        double size = Math.abs(real);
        if (size != 0 && (size < 1e-4 || size >= 1e16)) {
            throw new TemplateException("the float %s is too small or too large to be printed".formatted(real));
        }
        String plain = size == 0
                ? Double.toString(real)
                : new BigDecimal(Double.toString(real)).stripTrailingZeros().toPlainString();
        return plain.contains(".") ? plain : plain + ".0";
    }
}
