package dev.gatun.text.template;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What templates do with dictionaries. */
final class Dicts {
    /** Python's methods; a template that names one means the method if there is no such key. */
    private static final Set<String> METHODS = Set.of(
            "clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values");

    private Dicts() {}

    static boolean isMethod(String name) {
        return METHODS.contains(name);
    }

    /** The value under a key: {@code dict['key']}. */
    static Value item(Value object, String key) {
        if (!(object instanceof Value.Dict(Map<String, Value> entries, int _))) {
            throw new TemplateException("%s has no `%s`".formatted(object.typeName(), key));
        }
        Value value = entries.get(key);
        if (value != null) {
            return value;
        }
        if (isMethod(key)) {
            throw new TemplateException("the method `%s` of a dict can only be called".formatted(key));
        }
        return new Value.Undefined("`" + key + "`");
    }

    static Value call(Map<String, Value> entries, String method, CallArguments arguments, Budget budget) {
        budget.spend(entries.size());
        return switch (method) {
            case "items" -> view(arguments, items(entries, budget));
            case "keys" -> view(arguments, Elements.texts(List.copyOf(entries.keySet())));
            case "values" -> view(arguments, List.copyOf(entries.values()));
            case "get" -> get(entries, arguments);
            default -> throw new TemplateException("the method `%s` of a dict is not supported".formatted(method));
        };
    }

    static List<Value> items(Map<String, Value> entries, Budget budget) {
        budget.spend(entries.size());
        return entries.entrySet().stream()
                .<Value>map(entry ->
                        Value.Sequence.of(List.of(new Value.Text(entry.getKey()), entry.getValue()), Value.Kind.TUPLE))
                .toList();
    }

    private static Value view(CallArguments arguments, List<Value> elements) {
        arguments.bindNone();
        return Value.Sequence.of(elements, Value.Kind.VIEW);
    }

    private static Value get(Map<String, Value> entries, CallArguments arguments) {
        List<Optional<Value>> bound = arguments.bind("key", "default");
        String key = arguments.text(bound.get(0).orElseThrow(() -> arguments.missing("key")));
        Value value = entries.get(key);
        return value != null ? value : bound.get(1).orElse(new Value.None());
    }
}
