package dev.gatun;

import dev.gatun.engine.KvCache;
import java.util.Optional;

/**
 * How to open a session.
 *
 * @param contextLength tokens the session can hold, prompt and answers together; 0 for the model's own limit, but at most
 *     {@value #DEFAULT_CONTEXT}
 * @param keyValueBits 16, or 32 for comparisons with a reference
 * @param routingListener hears which experts are chosen; from the first session with one, a GPU copies them to the host
 */
public record SessionOptions(int contextLength, int keyValueBits, Optional<RoutingListener> routingListener) {
    /** The default limit of a session of a model with a long context: its memory is taken when the session opens. */
    public static final int DEFAULT_CONTEXT = KvCache.USUAL_CAPACITY;

    /**
     * Checks the options.
     *
     * @throws GatunException if a value is out of range
     */
    public SessionOptions {
        if (contextLength < 0) {
            throw new GatunException("context length: " + contextLength + " is negative");
        }
        if (keyValueBits != 16 && keyValueBits != 32) {
            throw new GatunException("key/value bits: " + keyValueBits + " is neither 16 nor 32");
        }
    }

    /** The model's context length, within {@link #DEFAULT_CONTEXT}; 16 bits; nobody listens to routing. */
    public static SessionOptions defaults() {
        return new SessionOptions(0, 16, Optional.empty());
    }

    /** These options with another context length. */
    public SessionOptions withContextLength(int tokens) {
        return new SessionOptions(tokens, keyValueBits, routingListener);
    }

    /** These options with another precision of keys and values. */
    public SessionOptions withKeyValueBits(int bits) {
        return new SessionOptions(contextLength, bits, routingListener);
    }

    /** These options with someone who hears which experts are chosen. */
    public SessionOptions withRoutingListener(RoutingListener listener) {
        return new SessionOptions(contextLength, keyValueBits, Optional.of(listener));
    }
}
