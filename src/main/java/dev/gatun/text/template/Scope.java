package dev.gatun.text.template;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The variables of a template or of one round of a loop; what a round sets is gone after it. */
final class Scope {
    private final Optional<Scope> outer;
    private final Map<String, Value> variables = new HashMap<>();

    /** The outermost scope. */
    Scope(Map<String, Value> variables) {
        this.outer = Optional.empty();
        this.variables.putAll(variables);
    }

    /** A scope inside another. */
    Scope(Scope outer) {
        this.outer = Optional.of(outer);
    }

    void set(String name, Value value) {
        variables.put(name, value);
    }

    Value get(String name) {
        Value value = variables.get(name);
        if (value != null) {
            return value;
        }
        return outer.map(scope -> scope.get(name)).orElseGet(() -> new Value.Undefined("`" + name + "`"));
    }
}
