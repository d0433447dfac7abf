package dev.gatun.text;

/**
 * A tokenizer file or a chat template that cannot be used. The message is one line for the user: what, where, how to
 * mend it.
 */
public final class TextException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception with a message for the user. */
    public TextException(String message) {
        super(message);
    }

    /** Makes an exception with a message for the user, and what led to it. */
    public TextException(String message, Throwable cause) {
        super(message, cause);
    }
}
