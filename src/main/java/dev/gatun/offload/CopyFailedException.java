package dev.gatun.offload;

/** A copy between host and device failed. */
public final class CopyFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes one with a message for the user. */
    public CopyFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
