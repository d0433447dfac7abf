package dev.gatun.text.template;

import java.util.List;
import java.util.Map;

/** A parsed template. Immutable: one instance serves any number of threads. */
public final class Template {
    private final List<Statement> statements;

    private Template(List<Statement> statements) {
        this.statements = List.copyOf(statements);
    }

    /**
     * Parses a template.
     *
     * @throws TemplateException if it is no template, or uses what is not supported
     */
    public static Template parse(String source) {
        return new Template(StatementParser.parse(source));
    }

    /**
     * Renders it.
     *
     * @param variables what it finds by name
     * @param inputCharacters how long the messages among them are together; bounds what it may do
     * @throws TemplateException if it fails, uses what is not supported, does too much or refuses the variables
     */
    public String render(Map<String, Value> variables, long inputCharacters) {
        Map<String, Value> all = Functions.names();
        all.putAll(variables);
        return new Renderer(new Budget(inputCharacters)).render(statements, new Scope(all));
    }
}
