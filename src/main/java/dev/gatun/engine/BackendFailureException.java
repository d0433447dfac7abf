package dev.gatun.engine;

/** An operation did not end as it should, for no fault of its input: the results of the chunk are not to be used. */
public final class BackendFailureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes the exception; the message is for the user. */
    public BackendFailureException(String message) {
        super(message);
    }
}
