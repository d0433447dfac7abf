package dev.gatun.text.template;

import java.util.ArrayList;
import java.util.List;

/** Does what statements say. */
final class Renderer {
    /** How a list of statements ended. */
    private enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    private final Budget budget;
    private final Printer printer;
    private final ExpressionEvaluator expressions;

    Renderer(Budget budget) {
        this.budget = budget;
        this.printer = new Printer(budget);
        this.expressions = new ExpressionEvaluator(budget, printer);
    }

    String render(List<Statement> statements, Scope scope) {
        StringBuilder out = new StringBuilder();
        execute(statements, scope, out);
        return out.toString();
    }

    private Flow execute(List<Statement> statements, Scope scope, StringBuilder out) {
        for (Statement statement : statements) {
            Flow flow = execute(statement, scope, out);
            if (flow != Flow.NEXT) {
                return flow;
            }
        }
        return Flow.NEXT;
    }

    private Flow execute(Statement statement, Scope scope, StringBuilder out) {
        try {
            budget.spend(1);
            return switch (statement) {
                case Statement.Data(String text, int _) -> write(text, out);
                case Statement.Output(Expression value, int _) ->
                    write(printer.string(expressions.evaluate(value, scope)), out);
                case Statement.If conditional -> branch(conditional, scope, out);
                case Statement.For loop -> loop(loop, scope, out);
                case Statement.Set(String name, Expression value, int _) ->
                    set(scope, name, expressions.evaluate(value, scope));
                case Statement.SetAttribute assignment -> setAttribute(assignment, scope);
                case Statement.SetBlock(String name, List<Statement> body, int _) ->
                    set(scope, name, new Value.Text(render(body, new Scope(scope))));
                case Statement.Group(List<Statement> body, int _) -> execute(body, scope, out);
                case Statement.Break _ -> Flow.BREAK;
                case Statement.Continue _ -> Flow.CONTINUE;
            };
        } catch (TemplateException e) {
            throw e.at(statement.line());
        } catch (ArithmeticException e) {
            TemplateException tooLarge = new TemplateException("a number is too large", statement.line());
            tooLarge.initCause(e);
            throw tooLarge;
        }
    }

    private Flow write(String text, StringBuilder out) {
        budget.spend(text.length());
        out.append(text);
        return Flow.NEXT;
    }

    private static Flow set(Scope scope, String name, Value value) {
        scope.set(name, value);
        return Flow.NEXT;
    }

    private Flow setAttribute(Statement.SetAttribute assignment, Scope scope) {
        Value target = scope.get(assignment.namespace());
        if (!(target instanceof Value.Namespace namespace)) {
            throw new TemplateException(
                    "`%s` is no namespace; its attributes cannot be set".formatted(assignment.namespace()));
        }
        namespace.attributes().put(assignment.attribute(), expressions.evaluate(assignment.value(), scope));
        return Flow.NEXT;
    }

    private Flow branch(Statement.If conditional, Scope scope, StringBuilder out) {
        for (Statement.Branch branch : conditional.branches()) {
            if (expressions.truth(branch.test(), scope)) {
                return execute(branch.body(), scope, out);
            }
        }
        return execute(conditional.otherwise(), scope, out);
    }

    private Flow loop(Statement.For loop, Scope scope, StringBuilder out) {
        List<Value> items = items(loop, scope);
        for (int index = 0; index < items.size(); index++) {
            Scope round = new Scope(scope);
            unpack(loop.targets(), items.get(index), round);
            round.set("loop", new Value.Loop(items, index));
            if (execute(loop.body(), round, out) == Flow.BREAK) {
                break;
            }
        }
        return items.isEmpty() ? execute(loop.otherwise(), new Scope(scope), out) : Flow.NEXT;
    }

    private List<Value> items(Statement.For loop, Scope scope) {
        List<Value> elements = Elements.of(expressions.evaluate(loop.elements(), scope), budget);
        budget.spend(elements.size());
        if (loop.filter().isEmpty()) {
            return elements;
        }
        List<Value> filtered = new ArrayList<>();
        for (Value element : elements) {
            Scope inner = new Scope(scope);
            unpack(loop.targets(), element, inner);
            if (expressions.truth(loop.filter().get(), inner)) {
                filtered.add(element);
            }
        }
        return filtered;
    }

    private void unpack(List<String> targets, Value element, Scope scope) {
        if (targets.size() == 1) {
            scope.set(targets.getFirst(), element);
            return;
        }
        List<Value> parts = Elements.of(element, budget);
        if (parts.size() != targets.size()) {
            throw new TemplateException("%d variables cannot take %d elements".formatted(targets.size(), parts.size()));
        }
        for (int i = 0; i < parts.size(); i++) {
            scope.set(targets.get(i), parts.get(i));
        }
    }
}
