package dev.gatun.offload;

/** A file that is no routing trace; the message is one line that names the file and what is wrong. */
public final class TraceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception with a message for the user. */
    public TraceException(String message, Throwable cause) {
        super(message, cause);
    }
}
