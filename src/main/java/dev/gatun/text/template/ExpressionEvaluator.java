package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** The values of expressions. */
final class ExpressionEvaluator {
    private final Budget budget;
    private final Operators operators;
    private final Tests tests;
    private final Strings strings;
    private final Filters filters;
    private final Functions functions;
    private final Subscripts subscripts;

    ExpressionEvaluator(Budget budget, Printer printer) {
        this.budget = budget;
        this.operators = new Operators(budget, printer);
        this.tests = new Tests(operators);
        this.strings = new Strings(budget, printer);
        this.filters = new Filters(budget, printer, tests, strings);
        this.functions = new Functions(budget, printer);
        this.subscripts = new Subscripts(budget);
    }

    Value evaluate(Expression expression, Scope scope) {
        budget.spend(1);
        return switch (expression) {
            case Expression.Literal(Value value) -> value;
            case Expression.Name(String name) -> scope.get(name);
            case Expression.ListOf(List<Expression> items, Value.Kind kind) ->
                Value.Sequence.of(evaluateAll(items, scope), kind);
            case Expression.DictOf(List<Map.Entry<Expression, Expression>> entries) -> dict(entries, scope);
            case Expression.Attribute(Expression object, String name) -> attribute(evaluate(object, scope), name);
            case Expression.Item(Expression object, Expression key) ->
                subscripts.item(evaluate(object, scope), evaluate(key, scope));
            case Expression.Slice slice -> slice(slice, scope);
            case Expression.Call(Expression callee, Expression.Arguments arguments) -> call(callee, arguments, scope);
            case Expression.Filter(Expression object, String name, Expression.Arguments arguments) ->
                filter(evaluate(object, scope), name, arguments, scope);
            case Expression.Test(Expression object, String name, Expression.Arguments arguments) ->
                new Value.Bool(tests.holds(
                        name, evaluate(object, scope), arguments("the test `" + name + "`", arguments, scope)));
            case Expression.Not(Expression operand) -> new Value.Bool(!truth(operand, scope));
            case Expression.Sign(Expression operand, boolean negative) ->
                Operators.signed(evaluate(operand, scope), negative);
            case Expression.Binary(String operator, Expression left, Expression right) ->
                operators.binary(operator, evaluate(left, scope), evaluate(right, scope));
            case Expression.And(Expression left, Expression right) -> {
                Value first = evaluate(left, scope);
                yield Operators.truth(first) ? evaluate(right, scope) : first;
            }
            case Expression.Or(Expression left, Expression right) -> {
                Value first = evaluate(left, scope);
                yield Operators.truth(first) ? first : evaluate(right, scope);
            }
            case Expression.Comparison(Expression first, List<Expression.Link> links) ->
                new Value.Bool(compare(first, links, scope));
            case Expression.Conditional(Expression test, Expression then, Optional<Expression> otherwise) ->
                truth(test, scope)
                        ? evaluate(then, scope)
                        : otherwise
                                .map(value -> evaluate(value, scope))
                                .orElseGet(() -> new Value.Undefined("an `if` without `else`"));
        };
    }

    boolean truth(Expression expression, Scope scope) {
        return Operators.truth(evaluate(expression, scope));
    }

    private List<Value> evaluateAll(List<Expression> expressions, Scope scope) {
        List<Value> values = new ArrayList<>();
        for (Expression expression : expressions) {
            values.add(evaluate(expression, scope));
        }
        return values;
    }

    private Value dict(List<Map.Entry<Expression, Expression>> entries, Scope scope) {
        Map<String, Value> values = new LinkedHashMap<>();
        for (Map.Entry<Expression, Expression> entry : entries) {
            Value key = evaluate(entry.getKey(), scope);
            if (!(key instanceof Value.Text(String name))) {
                throw new TemplateException("%s as the key of a dict is not supported".formatted(key.typeName()));
            }
            values.put(name, evaluate(entry.getValue(), scope));
        }
        return Value.Dict.of(values);
    }

    private static Value attribute(Value object, String name) {
        return switch (object) {
            case Value.Dict _
            when Dicts.isMethod(name) ->
                throw new TemplateException("the method `%s` of a dict can only be called".formatted(name));
            case Value.Dict dict -> Dicts.item(dict, name);
            case Value.Namespace namespace ->
                namespace.attributes().getOrDefault(name, new Value.Undefined("`" + name + "`"));
            case Value.Loop loop -> LoopVariable.attribute(loop, name);
            default -> throw new TemplateException("%s has no `%s`".formatted(object.typeName(), name));
        };
    }

    private Value slice(Expression.Slice slice, Scope scope) {
        Value object = evaluate(slice.object(), scope);
        OptionalLong start = slicePart(slice.start(), scope);
        OptionalLong stop = slicePart(slice.stop(), scope);
        return subscripts.slice(
                object, start, stop, slicePart(slice.step(), scope).orElse(1));
    }

    private OptionalLong slicePart(Optional<Expression> part, Scope scope) {
        if (part.isEmpty()) {
            return OptionalLong.empty();
        }
        return switch (evaluate(part.get(), scope)) {
            case Value.None _ -> OptionalLong.empty();
            case Value.Int(long integer) -> OptionalLong.of(integer);
            case Value other -> throw new TemplateException("%s cannot bound a slice".formatted(other.typeName()));
        };
    }

    private Value call(Expression callee, Expression.Arguments arguments, Scope scope) {
        if (callee instanceof Expression.Attribute(Expression object, String method)) {
            Value receiver = evaluate(object, scope);
            CallArguments values = arguments("the method `" + method + "`", arguments, scope);
            return switch (receiver) {
                case Value.Text(String text) -> strings.call(text, method, values);
                case Value.Dict(Map<String, Value> entries, int _) -> Dicts.call(entries, method, values, budget);
                default ->
                    throw new TemplateException(
                            "the method `%s` of %s is not supported".formatted(method, receiver.typeName()));
            };
        }
        Value function = evaluate(callee, scope);
        if (function instanceof Value.Function(String name)) {
            return functions.call(name, arguments("the function `" + name + "`", arguments, scope));
        }
        throw new TemplateException("%s cannot be called".formatted(function.typeName()));
    }

    private Value filter(Value input, String name, Expression.Arguments arguments, Scope scope) {
        if (input instanceof Value.Text(String text)) {
            budget.spend(text.length());
        }
        return filters.apply(name, input, arguments("the filter `" + name + "`", arguments, scope));
    }

    private CallArguments arguments(String callee, Expression.Arguments arguments, Scope scope) {
        Map<String, Value> named = new LinkedHashMap<>();
        arguments.named().forEach((name, value) -> named.put(name, evaluate(value, scope)));
        return new CallArguments(callee, evaluateAll(arguments.positional(), scope), named);
    }

    private boolean compare(Expression first, List<Expression.Link> links, Scope scope) {
        Value left = evaluate(first, scope);
        for (Expression.Link link : links) {
            Value right = evaluate(link.right(), scope);
            if (!operators.compare(link.operator(), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }
}
