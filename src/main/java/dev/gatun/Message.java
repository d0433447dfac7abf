package dev.gatun;

/**
 * One turn of a conversation.
 *
 * @param role {@code "user"}, {@code "assistant"}, or whatever else the model's chat template knows
 * @param content the text
 */
public record Message(String role, String content) {
    /** What the user says. */
    public static Message user(String content) {
        return new Message("user", content);
    }

    /** What the model said. */
    public static Message assistant(String content) {
        return new Message("assistant", content);
    }
}
