package dev.gatun.hub;

/**
 * The secret that opens private models. It never prints itself: only {@link #header()}, which goes to the hub and nowhere
 * else, has its text.
 */
public final class AccessToken {
    private final String secret;

    private AccessToken(String secret) {
        this.secret = secret;
    }

    /**
     * Takes a token without the white space around it.
     *
     * @param source where it was found, for messages
     * @throws HubException if it cannot be part of an HTTP header; the message does not show it
     */
    static AccessToken of(String text, String source) {
        String secret = text.strip();
        if (secret.isEmpty() || !secret.chars().allMatch(letter -> letter > ' ' && letter < 0x7f)) {
            throw new HubException(source + ": this is no token; copy it again from the hub's settings");
        }
        return new AccessToken(secret);
    }

    /** The value of an {@code Authorization} header. */
    String header() {
        return "Bearer " + secret;
    }

    @Override
    public String toString() {
        return "AccessToken[hidden]";
    }
}
