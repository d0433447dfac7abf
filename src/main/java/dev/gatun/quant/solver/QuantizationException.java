package dev.gatun.quant.solver;

/** A matrix that cannot be quantized. The message is one line for the user: what, where, how to mend it. */
public final class QuantizationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception with a message for the user. */
    public QuantizationException(String message) {
        super(message);
    }

    /** Makes an exception with a message for the user, and what it comes from. */
    public QuantizationException(String message, Throwable cause) {
        super(message, cause);
    }
}
