package dev.gatun.text.template;

import dev.gatun.text.template.Expression.Arguments;
import dev.gatun.text.template.Expression.Link;
import dev.gatun.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Parses expressions with Jinja's precedence: conditional, or, and, not, comparison, + -, ~, * / // %, sign, postfix. */
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> PRODUCTS = Set.of("*", "/", "//", "%");
    /** The tests that may take an argument without parentheses. */
    private static final Set<String> TESTS_WITH_ARGUMENT =
            Set.of("divisibleby", "eq", "equalto", "ne", "lt", "le", "gt", "ge", "in", "sameas");

    private final TokenCursor tokens;
    private final PrimaryParser primaries;

    ExpressionParser(TokenCursor tokens) {
        this.tokens = tokens;
        this.primaries = new PrimaryParser(tokens, this);
    }

    /** Any expression. */
    Expression expression() {
        return nested(() -> {
            Expression value = withoutConditional();
            while (tokens.skipName("if")) {
                Expression test = withoutConditional();
                Optional<Expression> otherwise = tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
                value = new Expression.Conditional(test, value, otherwise);
            }
            return value;
        });
    }

    /** An expression behind which an {@code if} belongs to somebody else. */
    Expression withoutConditional() {
        Expression left = and();
        while (tokens.skipName("or")) {
            left = new Expression.Or(left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (tokens.skipName("and")) {
            left = new Expression.And(left, not());
        }
        return left;
    }

    private Expression not() {
        return tokens.skipName("not") ? new Expression.Not(nested(this::not)) : comparison();
    }

    private Expression comparison() {
        Expression first = sum();
        List<Link> links = new ArrayList<>();
        while (true) {
            if (isOperatorOf(COMPARISONS)) {
                links.add(new Link(tokens.next().text(), sum()));
            } else if (tokens.skipName("in")) {
                links.add(new Link("in", sum()));
            } else if (tokens.peek().isName("not") && tokens.peekSecond().isName("in")) {
                tokens.next();
                tokens.next();
                links.add(new Link("not in", sum()));
            } else {
                return links.isEmpty() ? first : new Expression.Comparison(first, links);
            }
        }
    }

    private Expression sum() {
        Expression left = concatenation();
        while (isOperatorOf(Set.of("+", "-"))) {
            left = new Expression.Binary(tokens.next().text(), left, concatenation());
        }
        return left;
    }

    private Expression concatenation() {
        Expression left = product();
        while (tokens.skipOperator("~")) {
            left = new Expression.Binary("~", left, product());
        }
        return left;
    }

    private Expression product() {
        Expression left = unary(true);
        while (isOperatorOf(PRODUCTS)) {
            left = new Expression.Binary(tokens.next().text(), left, unary(true));
        }
        return left;
    }

    private Expression unary(boolean withFilters) {
        Expression operand;
        if (isOperatorOf(Set.of("+", "-"))) {
            boolean negative = tokens.next().text().equals("-");
            operand = new Expression.Sign(nested(() -> unary(false)), negative);
        } else {
            operand = primaries.primary();
        }
        operand = primaries.postfix(operand);
        return withFilters ? filtersAndTests(operand) : operand;
    }

    private Expression filtersAndTests(Expression object) {
        Expression value = object;
        while (true) {
            if (tokens.skipOperator("|")) {
                value = new Expression.Filter(value, filterName(), optionalArguments());
            } else if (tokens.skipName("is")) {
                value = test(value);
            } else {
                return value;
            }
        }
    }

    private String filterName() {
        String name = tokens.expect(Kind.NAME, "a filter's name").text();
        if (tokens.peek().isOperator(".")) {
            throw tokens.unexpected("the end of the filter `" + name + "`");
        }
        return name;
    }

    private Expression test(Expression object) {
        boolean negated = tokens.skipName("not");
        String name = tokens.expect(Kind.NAME, "a test's name").text();
        boolean bare = TESTS_WITH_ARGUMENT.contains(name) && !tokens.peek().isOperator("(");
        Arguments arguments =
                bare ? new Arguments(List.of(primaries.postfix(primaries.primary())), Map.of()) : optionalArguments();
        if (tokens.peek().isName("is")) {
            throw tokens.unexpected("the end of the test `" + name + "`");
        }
        Expression test = new Expression.Test(object, name, arguments);
        return negated ? new Expression.Not(test) : test;
    }

    private Arguments optionalArguments() {
        return tokens.peek().isOperator("(") ? arguments() : Arguments.NONE;
    }

    /** What stands between parentheses behind a callee. */
    Arguments arguments() {
        List<Expression> positional = new ArrayList<>();
        LinkedHashMap<String, Expression> named = new LinkedHashMap<>();
        tokens.expectOperator("(");
        while (!tokens.skipOperator(")")) {
            if (tokens.peek().kind() == Kind.NAME && tokens.peekSecond().isOperator("=")) {
                String name = tokens.next().text();
                tokens.next();
                if (named.put(name, expression()) != null) {
                    throw new TemplateException(
                            "the argument `%s` stands twice".formatted(name),
                            tokens.peek().line());
                }
            } else if (named.isEmpty()) {
                positional.add(expression());
            } else {
                throw tokens.unexpected("a named argument");
            }
            endElement(")");
        }
        return new Arguments(positional, named);
    }

    /** Passes the comma behind an element, unless the list ends. */
    void endElement(String end) {
        if (!tokens.peek().isOperator(end)) {
            tokens.expectOperator(",");
        }
    }

    private boolean isOperatorOf(Set<String> operators) {
        return tokens.peek().kind() == Kind.OPERATOR
                && operators.contains(tokens.peek().text());
    }

    private Expression nested(Supplier<Expression> parser) {
        tokens.enter();
        Expression expression = parser.get();
        tokens.leave();
        return expression;
    }
}
