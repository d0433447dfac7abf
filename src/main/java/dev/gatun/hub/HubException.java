package dev.gatun.hub;

/** A download or a look into the cache that cannot be done. The message is one line for the user, with no token in it. */
public final class HubException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception with a message for the user. */
    public HubException(String message) {
        super(message);
    }

    /** Makes an exception with a message for the user, and what led to it. */
    public HubException(String message, Throwable cause) {
        super(message, cause);
    }
}
