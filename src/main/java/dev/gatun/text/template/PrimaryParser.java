package dev.gatun.text.template;

import dev.gatun.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Parses what operators stand between: names, literals, parentheses, and what is hung onto them. */
final class PrimaryParser {
    private final TokenCursor tokens;
    private final ExpressionParser expressions;

    PrimaryParser(TokenCursor tokens, ExpressionParser expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    Expression primary() {
        Token token = tokens.peek();
        return switch (token.kind()) {
            case NAME -> name(tokens.next().text());
            case STRING -> strings();
            case INTEGER -> integer(tokens.next());
            case REAL ->
                new Expression.Literal(
                        new Value.Real(Double.parseDouble(tokens.next().text())));
            case OPERATOR ->
                switch (token.text()) {
                    case "(" -> parentheses();
                    case "[" -> list();
                    case "{" -> dict();
                    default -> throw tokens.unexpected("a value");
                };
            default -> throw tokens.unexpected("a value");
        };
    }

    private static Expression name(String name) {
        return switch (name) {
            case "true", "True" -> new Expression.Literal(new Value.Bool(true));
            case "false", "False" -> new Expression.Literal(new Value.Bool(false));
            case "none", "None" -> new Expression.Literal(new Value.None());
            default -> new Expression.Name(name);
        };
    }

    /** Strings beside each other are one. */
    private Expression strings() {
        StringBuilder text = new StringBuilder();
        while (tokens.peek().kind() == Kind.STRING) {
            text.append(tokens.next().text());
        }
        return new Expression.Literal(new Value.Text(text.toString()));
    }

    private static Expression integer(Token token) {
        try {
            return new Expression.Literal(new Value.Int(Long.parseLong(token.text())));
        } catch (NumberFormatException e) {
            TemplateException tooLarge =
                    new TemplateException("the number %s is too large".formatted(token.text()), token.line());
            tooLarge.initCause(e);
            throw tooLarge;
        }
    }

    private Expression parentheses() {
        tokens.expectOperator("(");
        if (tokens.skipOperator(")")) {
            return new Expression.ListOf(List.of(), Value.Kind.TUPLE);
        }
        Expression first = expressions.expression();
        if (tokens.skipOperator(")")) {
            return first;
        }
        tokens.expectOperator(",");
        List<Expression> items = new ArrayList<>(List.of(first));
        items.addAll(elements(")"));
        return new Expression.ListOf(items, Value.Kind.TUPLE);
    }

    private Expression list() {
        tokens.expectOperator("[");
        return new Expression.ListOf(elements("]"), Value.Kind.LIST);
    }

    private List<Expression> elements(String end) {
        List<Expression> items = new ArrayList<>();
        while (!tokens.skipOperator(end)) {
            items.add(expressions.expression());
            expressions.endElement(end);
        }
        return items;
    }

    private Expression dict() {
        List<Map.Entry<Expression, Expression>> entries = new ArrayList<>();
        tokens.expectOperator("{");
        while (!tokens.skipOperator("}")) {
            Expression key = expressions.expression();
            tokens.expectOperator(":");
            entries.add(Map.entry(key, expressions.expression()));
            expressions.endElement("}");
        }
        return new Expression.DictOf(entries);
    }

    /** Attributes, items, slices and calls behind a value. */
    Expression postfix(Expression object) {
        Expression value = object;
        while (true) {
            if (tokens.skipOperator(".")) {
                value = attribute(value);
            } else if (tokens.skipOperator("[")) {
                value = subscript(value);
            } else if (tokens.peek().isOperator("(")) {
                value = new Expression.Call(value, expressions.arguments());
            } else {
                return value;
            }
        }
    }

    private Expression attribute(Expression object) {
        if (tokens.peek().kind() == Kind.INTEGER) {
            return new Expression.Item(object, integer(tokens.next()));
        }
        return new Expression.Attribute(
                object, tokens.expect(Kind.NAME, "an attribute's name").text());
    }

    private Expression subscript(Expression object) {
        Optional<Expression> start = slicePart();
        if (!tokens.peek().isOperator(":")) {
            tokens.expectOperator("]");
            return new Expression.Item(object, start.orElseThrow(() -> tokens.unexpected("an index")));
        }
        tokens.expectOperator(":");
        Optional<Expression> stop = slicePart();
        Optional<Expression> step = tokens.skipOperator(":") ? slicePart() : Optional.empty();
        tokens.expectOperator("]");
        return new Expression.Slice(object, start, stop, step);
    }

    private Optional<Expression> slicePart() {
        boolean absent = tokens.peek().isOperator(":") || tokens.peek().isOperator("]");
        return absent ? Optional.empty() : Optional.of(expressions.expression());
    }
}
