package dev.gatun;

/**
 * Hears what happens during a generation, on the thread that generates. An exception thrown here ends the generation and
 * reaches its caller; the session stays usable. Session and model may be closed from here.
 */
@FunctionalInterface
public interface GenerationListener {
    /** A token was generated, or the rest of the text came out at the end. */
    void token(Token token);

    /** {@code done} of the prompt's {@code total} new tokens were processed. */
    default void prompt(int done, int total) {}
}
