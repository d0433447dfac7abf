package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** The filters that templates can put behind a {@code |}. */
final class Filters {
    private static final Pattern INTEGER = Pattern.compile("[+-]?\\d{1,18}");
    private static final Pattern WORD_BREAK = Pattern.compile("(?<=[-\\s({\\[<])(?=[^-\\s({\\[<])");

    private final Budget budget;
    private final Printer printer;
    private final Tests tests;
    private final Strings strings;

    Filters(Budget budget, Printer printer, Tests tests, Strings strings) {
        this.budget = budget;
        this.printer = printer;
        this.tests = tests;
        this.strings = strings;
    }

    Value apply(String name, Value input, CallArguments arguments) {
        return switch (name) {
            case "default", "d" -> orDefault(input, arguments);
            case "trim" -> strings.strip(printer.string(input), arguments.bind("chars"), arguments, true, true);
            case "upper", "lower", "capitalize", "title", "string" -> recase(name, input, arguments);
            case "replace" -> strings.replace(printer.string(input), arguments, "old", "new");
            case "tojson" -> toJson(input, arguments);
            case "length", "count" -> length(input, arguments);
            case "first", "last" -> end(name, input, arguments);
            case "join" -> join(input, arguments);
            case "list" -> list(input, arguments);
            case "items" -> items(input, arguments);
            case "reverse" -> reverse(input, arguments);
            case "int" -> integer(input, arguments);
            case "abs" -> absolute(input, arguments);
            case "map" -> map(input, arguments);
            case "select", "reject" -> select(input, arguments, name.equals("select"));
            case "selectattr", "rejectattr" -> selectByAttribute(input, arguments, name.equals("selectattr"));
            default -> throw new TemplateException("the filter `%s` is not supported".formatted(name));
        };
    }

    private static Value orDefault(Value input, CallArguments arguments) {
        List<Optional<Value>> bound = arguments.bind("default_value", "boolean");
        boolean alsoFalse = bound.get(1).map(Operators::truth).orElse(false);
        boolean replaced = input instanceof Value.Undefined || (alsoFalse && !Operators.truth(input));
        return replaced ? bound.get(0).orElse(new Value.Text("")) : input;
    }

    private Value recase(String name, Value input, CallArguments arguments) {
        arguments.bindNone();
        String text = printer.string(input);
        return new Value.Text(
                switch (name) {
                    case "upper" -> text.toUpperCase(Locale.ROOT);
                    case "lower" -> text.toLowerCase(Locale.ROOT);
                    case "capitalize" -> PythonText.capitalize(text);
                    case "title" -> titleOfWords(text);
                    default -> text;
                });
    }

    /** Jinja's own rule, which is not that of {@code str.title}: a word begins behind a space, dash or bracket. */
    private static String titleOfWords(String text) {
        StringBuilder title = new StringBuilder();
        for (String word : WORD_BREAK.split(text, -1)) {
            title.append(PythonText.capitalize(word));
        }
        return title.toString();
    }

    private Value toJson(Value input, CallArguments arguments) {
        List<Optional<Value>> bound = arguments.bind("ensure_ascii", "indent");
        if (bound.get(0).map(Operators::truth).orElse(false)) {
            throw new TemplateException("%s does not support `ensure_ascii`".formatted(arguments.callee()));
        }
        Optional<Value> indent = bound.get(1).filter(value -> !(value instanceof Value.None));
        long spaces = indent.map(arguments::integer).orElse(-1L);
        if (indent.isPresent() && (spaces < 0 || spaces > 100)) {
            throw new TemplateException(
                    "%s supports an indent from 0 to 100, not %d".formatted(arguments.callee(), spaces));
        }
        return new Value.Text(JsonPrinter.print(input, (int) spaces, budget));
    }

    private static Value length(Value input, CallArguments arguments) {
        arguments.bindNone();
        return new Value.Int(
                switch (input) {
                    case Value.Text(String text) -> PythonText.length(text);
                    case Value.Sequence sequence -> sequence.items().size();
                    case Value.Dict dict -> dict.entries().size();
                    default -> throw new TemplateException("%s has no length".formatted(input.typeName()));
                });
    }

    private Value end(String name, Value input, CallArguments arguments) {
        arguments.bindNone();
        boolean last = name.equals("last");
        if (last && input instanceof Value.Generator) {
            throw new TemplateException("%s needs `| list` before it".formatted(arguments.callee()));
        }
        List<Value> elements = Elements.of(input, budget);
        if (elements.isEmpty()) {
            return new Value.Undefined("the %s of no elements".formatted(name));
        }
        return last ? elements.getLast() : elements.getFirst();
    }

    private Value join(Value input, CallArguments arguments) {
        Optional<Value> separator = arguments.bind("d").getFirst();
        return strings.join(separator.map(printer::string).orElse(""), Elements.of(input, budget));
    }

    private Value list(Value input, CallArguments arguments) {
        arguments.bindNone();
        List<Value> elements = Elements.of(input, budget);
        budget.spend(elements.size());
        return Value.Sequence.list(elements);
    }

    private Value items(Value input, CallArguments arguments) {
        arguments.bindNone();
        if (input instanceof Value.Dict(Map<String, Value> entries, int _)) {
            return new Value.Generator(Dicts.items(entries, budget));
        }
        throw new TemplateException("%s needs a dict, not %s".formatted(arguments.callee(), input.typeName()));
    }

    private Value reverse(Value input, CallArguments arguments) {
        arguments.bindNone();
        if (input instanceof Value.Text(String text)) {
            return new Value.Text(new StringBuilder(text).reverse().toString());
        }
        List<Value> elements = Elements.of(input, budget);
        budget.spend(elements.size());
        return new Value.Generator(elements.reversed());
    }

    private static Value integer(Value input, CallArguments arguments) {
        Value fallback = arguments.bind("default").getFirst().orElse(new Value.Int(0));
        return switch (input) {
            case Value.Int integer -> integer;
            case Value.Bool(boolean bool) -> new Value.Int(bool ? 1 : 0);
            case Value.Real(double real) when Math.abs(real) < 0x1p53 -> new Value.Int((long) real);
            case Value.Text(String text) -> integer(text, fallback);
            case Value.None _ -> fallback;
            default -> throw new TemplateException("%s cannot take %s".formatted(arguments.callee(), input.typeName()));
        };
    }

    private static Value integer(String text, Value fallback) {
        String number = PythonText.stripEnd(PythonText.stripStart(text, PythonText::isSpace), PythonText::isSpace);
        if (INTEGER.matcher(number).matches()) {
            return new Value.Int(Long.parseLong(number));
        }
        if (number.codePoints().anyMatch(Character::isDigit)) {
            // Python knows more spellings of numbers, such as 1e3 and 1_000.
            throw new TemplateException("the filter `int` does not support \"%s\"".formatted(number));
        }
        return fallback;
    }

    private static Value absolute(Value input, CallArguments arguments) {
        arguments.bindNone();
        boolean negative = input instanceof Value.Int(long integer)
                ? integer < 0
                : input instanceof Value.Real(double real) && real < 0;
        return Operators.signed(input, negative);
    }

    /** Either {@code map(attribute='name')} or {@code map('filter')} with the filter's arguments. */
    private Value map(Value input, CallArguments arguments) {
        List<Value> mapped = new ArrayList<>();
        if (arguments.positional().isEmpty()) {
            List<Optional<Value>> bound = arguments.bind("attribute", "default");
            String attribute = arguments.text(bound.get(0).orElseThrow(() -> arguments.missing("attribute")));
            for (Value item : Elements.of(input, budget)) {
                Value value = attribute(item, attribute);
                mapped.add(value instanceof Value.Undefined ? bound.get(1).orElse(value) : value);
            }
        } else {
            String filter = arguments.text(arguments.positional().getFirst());
            CallArguments rest = arguments.withoutFirst("the filter `" + filter + "`");
            for (Value item : Elements.of(input, budget)) {
                budget.spend(1);
                mapped.add(apply(filter, item, rest));
            }
        }
        return new Value.Generator(mapped);
    }

    private Value select(Value input, CallArguments arguments, boolean wanted) {
        List<Value> selected = new ArrayList<>();
        for (Value item : Elements.of(input, budget)) {
            if (holds(item, arguments) == wanted) {
                selected.add(item);
            }
        }
        return new Value.Generator(selected);
    }

    private Value selectByAttribute(Value input, CallArguments arguments, boolean wanted) {
        if (arguments.positional().isEmpty()) {
            throw arguments.missing("attribute");
        }
        String attribute = arguments.text(arguments.positional().getFirst());
        CallArguments rest = arguments.withoutFirst(arguments.callee());
        List<Value> selected = new ArrayList<>();
        for (Value item : Elements.of(input, budget)) {
            if (holds(attribute(item, attribute), rest) == wanted) {
                selected.add(item);
            }
        }
        return new Value.Generator(selected);
    }

    /** Whether a test holds, whose name and arguments the filter's are; without any, whether the value is true. */
    private boolean holds(Value value, CallArguments arguments) {
        budget.spend(1);
        if (arguments.positional().isEmpty()) {
            arguments.bindNone();
            return Operators.truth(value);
        }
        String test = arguments.text(arguments.positional().getFirst());
        return tests.holds(test, value, arguments.withoutFirst("the test `" + test + "`"));
    }

    private static Value attribute(Value item, String name) {
        if (name.contains(".") || name.chars().allMatch(Character::isDigit)) {
            throw new TemplateException("the attribute `%s` is not supported in filters".formatted(name));
        }
        return Dicts.item(item, name);
    }
}
