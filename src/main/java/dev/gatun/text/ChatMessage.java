package dev.gatun.text;

import java.util.Objects;

/**
 * One message of a conversation.
 *
 * @param role who speaks: {@code user}, {@code assistant}, {@code system}, or what else the model's template knows
 * @param content what is said
 */
public record ChatMessage(String role, String content) {
    /** Checks that both are there. */
    public ChatMessage {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
    }
}
