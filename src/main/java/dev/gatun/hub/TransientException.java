package dev.gatun.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** A request that failed and may go well when it is made again. */
final class TransientException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Optional<Duration> pause;

    /** {@code message} names the server and what it did. */
    TransientException(String message, Optional<Duration> pause) {
        super(message);
        this.pause = pause;
    }

    TransientException(String message, Throwable cause) {
        super(message, cause);
        this.pause = Optional.empty();
    }

    /** For how long the server asked to be left alone. */
    Optional<Duration> pause() {
        return pause;
    }
}
