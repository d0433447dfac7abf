package dev.gatun.offload;

/** A plan that is impossible; the message is one line that says what would fit and which option changes it. */
public final class PlanException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception with a message for the user. */
    public PlanException(String message) {
        super(message);
    }
}
