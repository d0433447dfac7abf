package dev.gatun.text.template;

import dev.gatun.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Parses the statements of a template. */
final class StatementParser {
    private final TokenCursor tokens;
    private final ExpressionParser expressions;
    private int loops;

    private StatementParser(TokenCursor tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    static List<Statement> parse(String source) {
        StatementParser parser = new StatementParser(new TokenCursor(Lexer.lex(source)));
        List<Statement> statements = parser.body(Set.of());
        if (parser.tokens.peek().kind() != Kind.END) {
            throw parser.tokens.unexpected("a statement");
        }
        return statements;
    }

    /** Statements up to a tag that begins with one of some names; the tag's name is next afterwards. */
    private List<Statement> body(Set<String> ends) {
        tokens.enter();
        List<Statement> statements = new ArrayList<>();
        while (tokens.peek().kind() != Kind.END) {
            Token token = tokens.peek();
            switch (token.kind()) {
                case DATA -> statements.add(new Statement.Data(tokens.next().text(), token.line()));
                case OUTPUT_BEGIN -> statements.add(output());
                default -> {
                    if (ends.contains(tokens.peekSecond().text())) {
                        tokens.next();
                        tokens.leave();
                        return statements;
                    }
                    statements.add(statement());
                }
            }
        }
        if (!ends.isEmpty()) {
            throw tokens.unexpected("`{%% %s %%}`"
                    .formatted(String.join("` or `", ends.stream().sorted().toList())));
        }
        tokens.leave();
        return statements;
    }

    private Statement output() {
        int line = tokens.next().line();
        Expression value = expressions.expression();
        tokens.expect(Kind.OUTPUT_END, "`}}`");
        return new Statement.Output(value, line);
    }

    private Statement statement() {
        int line = tokens.expect(Kind.STATEMENT_BEGIN, "a statement").line();
        Token name = tokens.expect(Kind.NAME, "a statement's name");
        return switch (name.text()) {
            case "if" -> conditional(line);
            case "for" -> loop(line);
            case "set" -> assignment(line);
            case "generation" -> new Statement.Group(block("endgeneration"), line);
            case "break" -> jump(new Statement.Break(line));
            case "continue" -> jump(new Statement.Continue(line));
            default ->
                throw new TemplateException("the statement `%s` is not supported here".formatted(name.text()), line);
        };
    }

    private Statement conditional(int line) {
        List<Statement.Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        do {
            Expression test = expressions.withoutConditional();
            endTag();
            branches.add(new Statement.Branch(test, body(Set.of("elif", "else", "endif"))));
        } while (tokens.skipName("elif"));
        if (tokens.skipName("else")) {
            otherwise = block("endif");
        } else {
            tokens.expectName("endif");
            endTag();
        }
        return new Statement.If(branches, otherwise, line);
    }

    private Statement loop(int line) {
        List<String> targets = targets();
        tokens.expectName("in");
        Expression elements = expressions.withoutConditional();
        Optional<Expression> filter = tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        endTag();
        loops++;
        List<Statement> body = body(Set.of("else", "endfor"));
        loops--;
        List<Statement> otherwise = List.of();
        if (tokens.skipName("else")) {
            otherwise = block("endfor");
        } else {
            tokens.expectName("endfor");
            endTag();
        }
        return new Statement.For(targets, elements, filter, body, otherwise, line);
    }

    private List<String> targets() {
        boolean parentheses = tokens.skipOperator("(");
        List<String> targets = new ArrayList<>();
        do {
            targets.add(target());
        } while (tokens.skipOperator(","));
        if (parentheses) {
            tokens.expectOperator(")");
        }
        return targets;
    }

    private String target() {
        Token name = tokens.expect(Kind.NAME, "a variable's name");
        if (Set.of("loop", "true", "True", "false", "False", "none", "None").contains(name.text())) {
            throw new TemplateException("`%s` cannot be set".formatted(name.text()), name.line());
        }
        return name.text();
    }

    private Statement assignment(int line) {
        String name = target();
        if (tokens.skipOperator(".")) {
            String attribute = tokens.expect(Kind.NAME, "an attribute's name").text();
            tokens.expectOperator("=");
            return ended(new Statement.SetAttribute(name, attribute, expressions.expression(), line));
        }
        if (tokens.skipOperator("=")) {
            return ended(new Statement.Set(name, expressions.expression(), line));
        }
        return new Statement.SetBlock(name, block("endset"), line);
    }

    private Statement jump(Statement statement) {
        if (loops == 0) {
            throw new TemplateException("a jump stands outside of loops", statement.line());
        }
        return ended(statement);
    }

    private Statement ended(Statement statement) {
        endTag();
        return statement;
    }

    private void endTag() {
        tokens.expect(Kind.STATEMENT_END, "`%}`");
    }

    /** What stands between the end of this tag and the end tag; passes both. */
    private List<Statement> block(String end) {
        endTag();
        List<Statement> body = body(Set.of(end));
        tokens.expectName(end);
        endTag();
        return body;
    }
}
