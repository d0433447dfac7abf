package dev.gatun;

/**
 * A piece of a generation.
 *
 * @param id the token's id in the model's vocabulary, or {@link #NONE} for text that was held back and belongs to tokens
 *     told before
 * @param text the text that became certain with it: empty while a character is incomplete or a stop text is possible,
 *     more than this token's own when something was held back
 */
public record Token(int id, String text) {
    /** The id of what is no token: the rest of the text at the end of a generation. */
    public static final int NONE = -1;
}
