package dev.gatun.text.template;

import java.util.function.LongPredicate;

/** The tests that templates can put behind {@code is}. */
final class Tests {
    private final Operators operators;

    Tests(Operators operators) {
        this.operators = operators;
    }

    boolean holds(String name, Value value, CallArguments arguments) {
        return switch (name) {
            case "eq", "equalto" -> compare("==", value, arguments);
            case "ne" -> compare("!=", value, arguments);
            case "lt", "lessthan" -> compare("<", value, arguments);
            case "le" -> compare("<=", value, arguments);
            case "gt", "greaterthan" -> compare(">", value, arguments);
            case "ge" -> compare(">=", value, arguments);
            case "in" -> compare("in", value, arguments);
            case "divisibleby" -> divides(arguments.integer(arguments.bindOne("num")), value);
            default -> {
                arguments.bindNone();
                yield holds(name, value);
            }
        };
    }

    private boolean compare(String operator, Value value, CallArguments arguments) {
        return operators.compare(operator, value, arguments.bindOne("other"));
    }

    private static boolean holds(String name, Value value) {
        return switch (name) {
            case "defined" -> !(value instanceof Value.Undefined);
            case "undefined" -> value instanceof Value.Undefined;
            case "none" -> value instanceof Value.None;
            case "string" -> value instanceof Value.Text;
            case "mapping" -> value instanceof Value.Dict;
            case "boolean" -> value instanceof Value.Bool;
            case "true" -> value instanceof Value.Bool(boolean bool) && bool;
            case "false" -> value instanceof Value.Bool(boolean bool) && !bool;
            case "integer" -> value instanceof Value.Int;
            case "float" -> value instanceof Value.Real;
            case "number" -> value instanceof Value.Int || value instanceof Value.Real || value instanceof Value.Bool;
            case "iterable" -> isSequence(value) || known(value) instanceof Value.Generator;
            case "sequence" -> isSequence(known(value));
            case "odd" -> integer(value, n -> n % 2 != 0);
            case "even" -> integer(value, n -> n % 2 == 0);
            default -> throw new TemplateException("the test `%s` is not supported".formatted(name));
        };
    }

    private static boolean isSequence(Value value) {
        return value instanceof Value.Text || value instanceof Value.Sequence || value instanceof Value.Dict;
    }

    /** Jinja's answer for what is undefined is yes; a template that asks has another bug. */
    private static Value known(Value value) {
        if (value instanceof Value.Undefined) {
            throw new TemplateException("%s cannot be tested for its elements".formatted(value.typeName()));
        }
        return value;
    }

    private static boolean divides(long divisor, Value value) {
        if (divisor == 0) {
            throw new TemplateException("division by zero");
        }
        return integer(value, n -> n % divisor == 0);
    }

    private static boolean integer(Value value, LongPredicate predicate) {
        if (value instanceof Value.Int(long integer)) {
            return predicate.test(integer);
        }
        throw new TemplateException("%s is no integer to be tested".formatted(value.typeName()));
    }
}
