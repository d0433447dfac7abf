package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The values that a filter, test, method or function is called with.
 *
 * @param callee what an error message calls it
 */
record CallArguments(String callee, List<Value> positional, Map<String, Value> named) {
    /** The arguments in the order of the parameters; refuses those that no parameter takes. */
    List<Optional<Value>> bind(String... parameters) {
        if (positional.size() > parameters.length) {
            throw new TemplateException(
                    "%s takes %d arguments here, not %d".formatted(callee, parameters.length, positional.size()));
        }
        List<Optional<Value>> values = new ArrayList<>();
        int found = positional.size();
        for (int i = 0; i < parameters.length; i++) {
            Optional<Value> byName = Optional.ofNullable(named.get(parameters[i]));
            boolean byPlace = i < positional.size();
            found += byName.isPresent() && !byPlace ? 1 : 0;
            values.add(byPlace ? Optional.of(positional.get(i)) : byName);
        }
        if (found < positional.size() + named.size()) {
            throw new TemplateException("%s does not support the arguments %s".formatted(callee, named.keySet()));
        }
        return values;
    }

    void bindNone() {
        bind(new String[0]);
    }

    /** The only argument, which must be there. */
    Value bindOne(String parameter) {
        return bind(parameter).getFirst().orElseThrow(() -> missing(parameter));
    }

    /** What is left for another callee behind the first argument. */
    CallArguments withoutFirst(String otherCallee) {
        return new CallArguments(otherCallee, positional.subList(1, positional.size()), named);
    }

    TemplateException missing(String parameter) {
        return new TemplateException("%s needs the argument `%s`".formatted(callee, parameter));
    }

    /** The string in an argument. */
    String text(Value value) {
        if (value instanceof Value.Text(String text)) {
            return text;
        }
        throw new TemplateException("%s needs a string, not %s".formatted(callee, value.typeName()));
    }

    /** The integer in an argument. */
    long integer(Value value) {
        if (value instanceof Value.Int(long integer)) {
            return integer;
        }
        throw new TemplateException("%s needs an integer, not %s".formatted(callee, value.typeName()));
    }
}
