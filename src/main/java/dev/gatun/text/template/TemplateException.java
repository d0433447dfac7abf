package dev.gatun.text.template;

/** A template that cannot be parsed or rendered. */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int line;
    private final boolean raised;

    private TemplateException(String message, int line, boolean raised) {
        super(message);
        this.line = line;
        this.raised = raised;
    }

    TemplateException(String message) {
        this(message, 0, false);
    }

    TemplateException(String message, int line) {
        this(message, line, false);
    }

    /** What a template's own call of {@code raise_exception} throws. */
    static TemplateException raisedByTemplate(String message) {
        return new TemplateException(message, 0, true);
    }

    /** This exception, placed at a line unless it has one. */
    TemplateException at(int otherLine) {
        return line > 0 ? this : new TemplateException(getMessage(), otherLine, raised);
    }

    /** The line of the template, from 1; 0 if unknown. */
    public int line() {
        return line;
    }

    /** Whether the template itself threw this, to refuse the messages. */
    public boolean raised() {
        return raised;
    }
}
