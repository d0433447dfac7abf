package dev.gatun.text.template;

import java.util.List;
import java.util.Optional;

/** What a template does, one step after the other. */
sealed interface Statement {
    /** Where it begins, from 1. */
    int line();

    record Data(String text, int line) implements Statement {}

    record Output(Expression value, int line) implements Statement {}

    /** The first branch whose test holds. */
    record If(List<Branch> branches, List<Statement> otherwise, int line) implements Statement {}

    /**
     * A loop.
     *
     * @param targets one name, or several that each element is unpacked into
     * @param filter which elements count
     * @param otherwise what happens if there is no element
     */
    record For(
            List<String> targets,
            Expression elements,
            Optional<Expression> filter,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {}

    record Set(String name, Expression value, int line) implements Statement {}

    record SetAttribute(String namespace, String attribute, Expression value, int line) implements Statement {}

    /** Sets a name to what a part of the template renders. */
    record SetBlock(String name, List<Statement> body, int line) implements Statement {}

    /** A part whose output is taken as it is. */
    record Group(List<Statement> body, int line) implements Statement {}

    record Break(int line) implements Statement {}

    record Continue(int line) implements Statement {}

    /** A test and what happens if it holds. */
    record Branch(Expression test, List<Statement> body) {}
}
