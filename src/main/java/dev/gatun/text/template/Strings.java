package dev.gatun.text.template;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;

/** The methods of strings. */
final class Strings {
    private final Budget budget;
    private final Printer printer;

    Strings(Budget budget, Printer printer) {
        this.budget = budget;
        this.printer = printer;
    }

    Value call(String text, String method, CallArguments arguments) {
        budget.spend(text.length());
        return switch (method) {
            case "strip" -> strip(text, arguments.bind("chars"), arguments, true, true);
            case "lstrip" -> strip(text, arguments.bind("chars"), arguments, true, false);
            case "rstrip" -> strip(text, arguments.bind("chars"), arguments, false, true);
            case "upper" -> unary(text.toUpperCase(Locale.ROOT), arguments);
            case "lower" -> unary(text.toLowerCase(Locale.ROOT), arguments);
            case "title" -> unary(PythonText.title(text), arguments);
            case "capitalize" -> unary(PythonText.capitalize(text), arguments);
            case "startswith" -> affix(text, arguments, String::startsWith);
            case "endswith" -> affix(text, arguments, String::endsWith);
            case "replace" -> replace(text, arguments, "old", "new");
            case "split" -> split(text, arguments);
            case "find" -> find(text, arguments);
            case "count" -> count(text, arguments);
            case "join" -> joinStrings(text, arguments);
            default -> throw new TemplateException("the method `%s` of a string is not supported".formatted(method));
        };
    }

    private static Value unary(String result, CallArguments arguments) {
        arguments.bindNone();
        return new Value.Text(result);
    }

    /** Cuts characters off the ends: those of the argument, or white space. */
    Value strip(String text, List<Optional<Value>> bound, CallArguments arguments, boolean start, boolean end) {
        Optional<Value> set = bound.getFirst().filter(value -> !(value instanceof Value.None));
        IntPredicate stripped = PythonText::isSpace;
        if (set.isPresent()) {
            String characters = arguments.text(set.get());
            budget.spend((long) characters.length() * text.length());
            stripped = c -> characters.indexOf(c) >= 0;
        }
        String result = start ? PythonText.stripStart(text, stripped) : text;
        return new Value.Text(end ? PythonText.stripEnd(result, stripped) : result);
    }

    private static Value affix(String text, CallArguments arguments, BiPredicate<String, String> matches) {
        Value affix = arguments.bindOne("prefix");
        List<Value> affixes = affix instanceof Value.Sequence sequence && sequence.kind() == Value.Kind.TUPLE
                ? sequence.items()
                : List.of(affix);
        return new Value.Bool(affixes.stream().anyMatch(value -> matches.test(text, arguments.text(value))));
    }

    Value replace(String text, CallArguments arguments, String oldName, String newName) {
        List<Optional<Value>> bound = arguments.bind(oldName, newName);
        String from = arguments.text(bound.get(0).orElseThrow(() -> arguments.missing(oldName)));
        String to = arguments.text(bound.get(1).orElseThrow(() -> arguments.missing(newName)));
        if (from.isEmpty()) {
            throw new TemplateException("%s needs something to look for".formatted(arguments.callee()));
        }
        budget.spend(text.length() + (long) (text.length() / from.length()) * to.length());
        return new Value.Text(text.replace(from, to));
    }

    private static Value split(String text, CallArguments arguments) {
        List<Optional<Value>> bound = arguments.bind("sep", "maxsplit");
        long limit = bound.get(1).map(arguments::integer).orElse(-1L);
        Optional<Value> separator = bound.get(0).filter(value -> !(value instanceof Value.None));
        if (separator.isEmpty()) {
            return Value.Sequence.list(Elements.texts(PythonText.splitAtSpace(text, limit)));
        }
        String mark = arguments.text(separator.get());
        if (mark.isEmpty()) {
            throw new TemplateException("%s needs a separator that is not empty".formatted(arguments.callee()));
        }
        return Value.Sequence.list(Elements.texts(PythonText.split(text, mark, limit)));
    }

    private static Value find(String text, CallArguments arguments) {
        int at = text.indexOf(arguments.text(arguments.bindOne("sub")));
        return new Value.Int(at < 0 ? at : text.codePointCount(0, at));
    }

    private static Value count(String text, CallArguments arguments) {
        String part = arguments.text(arguments.bindOne("sub"));
        int times = part.isEmpty()
                ? PythonText.length(text)
                : PythonText.split(text, part, -1).size() - 1;
        return new Value.Int(part.isEmpty() ? times + 1 : times);
    }

    private Value joinStrings(String separator, CallArguments arguments) {
        List<Value> elements = Elements.of(arguments.bindOne("iterable"), budget);
        elements.forEach(arguments::text);
        return join(separator, elements);
    }

    /** What the elements print, with a separator between them. */
    Value join(String separator, List<Value> elements) {
        StringBuilder text = new StringBuilder();
        boolean first = true;
        for (Value element : elements) {
            String part = printer.string(element);
            budget.spend((long) part.length() + separator.length() + 1);
            text.append(first ? "" : separator).append(part);
            first = false;
        }
        return new Value.Text(text.toString());
    }
}
