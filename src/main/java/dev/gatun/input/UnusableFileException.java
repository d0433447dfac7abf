package dev.gatun.input;

import java.io.IOException;

/** A file that cannot be read as what it should be. The message is one line that names it: what, where, how to mend it. */
public final class UnusableFileException extends IOException {
    private static final long serialVersionUID = 1L;

    UnusableFileException(String message) {
        super(message);
    }

    UnusableFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
