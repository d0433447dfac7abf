package dev.gatun;

/**
 * Something the user can mend: a folder that is no model, an option out of range, a prompt that is too long. The message
 * is one line that says what is wrong and what to do. Bugs are other exceptions.
 */
public class GatunException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception with a message for the user. */
    public GatunException(String message) {
        super(message);
    }

    /** Makes an exception with a message for the user, and what led to it. */
    public GatunException(String message, Throwable cause) {
        super(message, cause);
    }
}
