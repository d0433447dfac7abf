package dev.gatun.checkpoint;

/** A model folder that cannot be read. The message is one line for the user: what, where, how to mend it. */
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
