package dev.gatun.text;

/** Logits from which no token can be chosen: NaN or +∞ among them, or all −∞. The model's numbers went wrong. */
public final class NonFiniteLogitsException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception that says what was found. */
    public NonFiniteLogitsException(String message) {
        super(message);
    }
}
