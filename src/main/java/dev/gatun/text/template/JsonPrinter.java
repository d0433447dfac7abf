package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Values as Hugging Face's {@code tojson} writes them: Python's {@code json.dumps} with {@code ensure_ascii=False}. */
final class JsonPrinter {
    private final Budget budget;
    /** Spaces a level; negative for all on one line. */
    private final int indent;

    private final StringBuilder out = new StringBuilder();

    private JsonPrinter(Budget budget, int indent) {
        this.budget = budget;
        this.indent = indent;
    }

    static String print(Value value, int indent, Budget budget) {
        JsonPrinter printer = new JsonPrinter(budget, indent);
        printer.print(value, 0);
        return printer.out.toString();
    }

    private void print(Value value, int level) {
        budget.spend(1);
        switch (value) {
            case Value.Text(String text) -> quote(text);
            case Value.None _ -> out.append("null");
            case Value.Bool(boolean bool) -> out.append(bool);
            case Value.Int(long integer) -> out.append(integer);
            case Value.Real(double real) when Double.isFinite(real) -> out.append(Printer.real(real));
            case Value.Sequence(List<Value> items, Value.Kind kind, int _)
            when kind == Value.Kind.LIST || kind == Value.Kind.TUPLE -> list(items, level);
            case Value.Dict(Map<String, Value> entries, int _) -> dict(entries, level);
            default -> throw new TemplateException("%s cannot become JSON".formatted(value.typeName()));
        }
    }

    private void list(List<Value> items, int level) {
        List<Runnable> elements = new ArrayList<>();
        items.forEach(item -> elements.add(() -> print(item, level + 1)));
        elements('[', ']', elements, level);
    }

    private void dict(Map<String, Value> entries, int level) {
        List<Runnable> elements = new ArrayList<>();
        entries.forEach((key, value) -> elements.add(() -> {
            quote(key);
            out.append(": ");
            print(value, level + 1);
        }));
        elements('{', '}', elements, level);
    }

    private void elements(char open, char close, List<Runnable> elements, int level) {
        out.append(open);
        Consumer<Integer> lineBreak = depth -> {
            if (indent >= 0) {
                budget.spend(1 + (long) indent * depth);
                out.append('\n').repeat(' ', indent * depth);
            }
        };
        for (int i = 0; i < elements.size(); i++) {
            if (i > 0) {
                out.append(indent >= 0 ? "," : ", ");
            }
            lineBreak.accept(level + 1);
            elements.get(i).run();
        }
        if (!elements.isEmpty()) {
            lineBreak.accept(level);
        }
        out.append(close);
    }

    private void quote(String text) {
        budget.spend(text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < 0x20) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
