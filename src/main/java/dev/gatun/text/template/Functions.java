package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The functions that templates can call by name. */
final class Functions {
    private final Budget budget;
    private final Printer printer;

    Functions(Budget budget, Printer printer) {
        this.budget = budget;
        this.printer = printer;
    }

    /** The variables that a template finds besides those it is given. */
    static Map<String, Value> names() {
        Map<String, Value> names = new HashMap<>();
        List.of("raise_exception", "range", "namespace", "strftime_now", "cycler", "joiner", "lipsum", "dict")
                .forEach(name -> names.put(name, new Value.Function(name)));
        return names;
    }

    Value call(String name, CallArguments arguments) {
        return switch (name) {
            case "raise_exception" ->
                throw TemplateException.raisedByTemplate(printer.string(arguments.bindOne("message")));
            case "range" -> range(arguments);
            case "namespace" -> namespace(arguments);
            default -> throw new TemplateException("the function `%s` is not supported".formatted(name));
        };
    }

    private Value range(CallArguments arguments) {
        List<Optional<Value>> bound = arguments.bind("start", "stop", "step");
        long first = arguments.integer(bound.get(0).orElseThrow(() -> arguments.missing("stop")));
        boolean onlyStop = bound.get(1).isEmpty();
        long start = onlyStop ? 0 : first;
        long stop = onlyStop ? first : arguments.integer(bound.get(1).get());
        long step = bound.get(2).map(arguments::integer).orElse(1L);
        if (step == 0) {
            throw new TemplateException("%s needs a step other than 0".formatted(arguments.callee()));
        }
        List<Value> numbers = new ArrayList<>();
        for (long number = start; step > 0 ? number < stop : number > stop; number = Math.addExact(number, step)) {
            budget.spend(1);
            numbers.add(new Value.Int(number));
        }
        return Value.Sequence.of(numbers, Value.Kind.RANGE);
    }

    private static Value namespace(CallArguments arguments) {
        if (!arguments.positional().isEmpty()) {
            throw new TemplateException("%s supports named arguments only".formatted(arguments.callee()));
        }
        return new Value.Namespace(arguments.named());
    }
}
