package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Truth, equality, order and arithmetic with Python's meaning; what Python refuses is refused. */
final class Operators {
    private final Budget budget;
    private final Printer printer;

    Operators(Budget budget, Printer printer) {
        this.budget = budget;
        this.printer = printer;
    }

    static boolean truth(Value value) {
        return switch (value) {
            case Value.Undefined _, Value.None _ -> false;
            case Value.Bool(boolean bool) -> bool;
            case Value.Int(long integer) -> integer != 0;
            case Value.Real(double real) -> real != 0;
            case Value.Text(String text) -> !text.isEmpty();
            case Value.Sequence sequence -> !sequence.items().isEmpty();
            case Value.Dict dict -> !dict.entries().isEmpty();
            case Value.Generator _, Value.Namespace _, Value.Loop _, Value.Function _ -> true;
        };
    }

    boolean equal(Value left, Value right) {
        budget.spend(1);
        if (isNumber(left) && isNumber(right)) {
            return compareNumbers(left, right) == 0;
        }
        if (left instanceof Value.Sequence a && right instanceof Value.Sequence b) {
            return a.kind() == b.kind() && equal(a.items(), b.items());
        }
        if (left instanceof Value.Dict a && right instanceof Value.Dict b) {
            return equal(a.entries(), b.entries());
        }
        if (left instanceof Value.Undefined && right instanceof Value.Undefined) {
            return true;
        }
        return left.equals(right);
    }

    private boolean equal(List<Value> left, List<Value> right) {
        Iterator<Value> others = right.iterator();
        return left.size() == right.size() && left.stream().allMatch(item -> equal(item, others.next()));
    }

    private boolean equal(Map<String, Value> left, Map<String, Value> right) {
        return left.keySet().equals(right.keySet())
                && left.entrySet().stream().allMatch(entry -> equal(entry.getValue(), right.get(entry.getKey())));
    }

    boolean compare(String operator, Value left, Value right) {
        return switch (operator) {
            case "==" -> equal(left, right);
            case "!=" -> !equal(left, right);
            case "in" -> contains(right, left);
            case "not in" -> !contains(right, left);
            case "<" -> order(left, right) < 0;
            case "<=" -> order(left, right) <= 0;
            case ">" -> order(left, right) > 0;
            case ">=" -> order(left, right) >= 0;
            default -> throw new TemplateException("the operator `%s` is not supported".formatted(operator));
        };
    }

    private static int order(Value left, Value right) {
        if (left instanceof Value.Text(String a) && right instanceof Value.Text(String b)) {
            return Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
        }
        if (isNumber(left) && isNumber(right)) {
            return compareNumbers(left, right);
        }
        throw new TemplateException("%s and %s have no order".formatted(left.typeName(), right.typeName()));
    }

    private boolean contains(Value container, Value item) {
        return switch (container) {
            case Value.Text(String text) when item instanceof Value.Text(String part) -> text.contains(part);
            case Value.Sequence sequence -> sequence.items().stream().anyMatch(other -> equal(item, other));
            case Value.Dict dict
            when item instanceof Value.Text(String key) -> dict.entries().containsKey(key);
            default ->
                throw new TemplateException(
                        "`in` cannot look for %s in %s".formatted(item.typeName(), container.typeName()));
        };
    }

    Value binary(String operator, Value left, Value right) {
        if (operator.equals("~")) {
            return concatenate(printer.string(left), printer.string(right));
        }
        if (operator.equals("+") && left instanceof Value.Text(String a) && right instanceof Value.Text(String b)) {
            return concatenate(a, b);
        }
        if (operator.equals("+") && left instanceof Value.Sequence a && right instanceof Value.Sequence b) {
            return concatenate(a, b);
        }
        if (operator.equals("*") && left instanceof Value.Text(String text) && right instanceof Value.Int(long times)) {
            return repeat(text, times);
        }
        if (left instanceof Value.Int(long a) && right instanceof Value.Int(long b)) {
            return integers(operator, a, b);
        }
        if (isReal(left) && isReal(right)) {
            return reals(operator, number(left), number(right));
        }
        throw new TemplateException(
                "`%s` cannot join %s and %s".formatted(operator, left.typeName(), right.typeName()));
    }

    private Value concatenate(String left, String right) {
        budget.spend((long) left.length() + right.length());
        return new Value.Text(left + right);
    }

    private Value concatenate(Value.Sequence left, Value.Sequence right) {
        boolean joinable =
                left.kind() == right.kind() && (left.kind() == Value.Kind.LIST || left.kind() == Value.Kind.TUPLE);
        if (!joinable) {
            throw new TemplateException("`+` cannot join %s and %s".formatted(left.typeName(), right.typeName()));
        }
        budget.spend((long) left.items().size() + right.items().size());
        List<Value> items = new ArrayList<>(left.items());
        items.addAll(right.items());
        return Value.Sequence.of(items, left.kind());
    }

    private Value repeat(String text, long times) {
        long copies = Math.max(0, times);
        budget.spend(Math.multiplyExact(text.length(), copies));
        return new Value.Text(text.isEmpty() ? "" : text.repeat((int) copies));
    }

    private static Value integers(String operator, long left, long right) {
        if (right == 0 && operator.matches("//?|%")) {
            throw new TemplateException("division by zero");
        }
        return switch (operator) {
            case "+" -> new Value.Int(Math.addExact(left, right));
            case "-" -> new Value.Int(Math.subtractExact(left, right));
            case "*" -> new Value.Int(Math.multiplyExact(left, right));
            case "/" -> new Value.Real((double) left / right);
            case "//" -> new Value.Int(Math.floorDivExact(left, right));
            case "%" -> new Value.Int(Math.floorMod(left, right));
            default -> throw new TemplateException("the operator `%s` is not supported".formatted(operator));
        };
    }

    private static Value reals(String operator, double left, double right) {
        if (right == 0 && operator.equals("/")) {
            throw new TemplateException("division by zero");
        }
        return switch (operator) {
            case "+" -> new Value.Real(left + right);
            case "-" -> new Value.Real(left - right);
            case "*" -> new Value.Real(left * right);
            case "/" -> new Value.Real(left / right);
            default ->
                throw new TemplateException("the operator `%s` is not supported for these floats".formatted(operator));
        };
    }

    static Value signed(Value value, boolean negative) {
        return switch (value) {
            case Value.Int(long integer) -> new Value.Int(negative ? Math.negateExact(integer) : integer);
            case Value.Real(double real) -> new Value.Real(negative ? -real : real);
            default -> throw new TemplateException("%s has no sign".formatted(value.typeName()));
        };
    }

    private static boolean isReal(Value value) {
        return value instanceof Value.Int || value instanceof Value.Real;
    }

    private static boolean isNumber(Value value) {
        return isReal(value) || value instanceof Value.Bool;
    }

    private static int compareNumbers(Value left, Value right) {
        if (!(left instanceof Value.Real) && !(right instanceof Value.Real)) {
            return Long.compare(integer(left), integer(right));
        }
        return Double.compare(number(left), number(right));
    }

    private static long integer(Value value) {
        return value instanceof Value.Int(long integer) ? integer : (long) number(value);
    }

    private static double number(Value value) {
        return switch (value) {
            case Value.Bool(boolean bool) -> bool ? 1 : 0;
            case Value.Int(long integer) -> integer;
            case Value.Real(double real) -> real + 0.0;
            default -> throw new TemplateException("%s is no number".formatted(value.typeName()));
        };
    }
}
