package dev.gatun.text.template;

import java.util.List;

/** What loops and filters go through. */
final class Elements {
    private Elements() {}

    /** The elements of a value; a string's are its characters, a dictionary's its keys. */
    static List<Value> of(Value value, Budget budget) {
        return switch (value) {
            case Value.Sequence sequence -> sequence.items();
            case Value.Generator generator -> generator.take();
            case Value.Text(String text) -> {
                budget.spend(text.length());
                yield texts(PythonText.characters(text));
            }
            case Value.Dict dict -> texts(List.copyOf(dict.entries().keySet()));
            default -> throw new TemplateException("%s has no elements to go through".formatted(value.typeName()));
        };
    }

    static List<Value> texts(List<String> texts) {
        return texts.stream().<Value>map(Value.Text::new).toList();
    }
}
