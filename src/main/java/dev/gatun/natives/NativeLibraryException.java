package dev.gatun.natives;

/** A native library that cannot be had on this machine. The message is one line: what, where, how to mend it. */
public final class NativeLibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception with a message for the user. */
    public NativeLibraryException(String message) {
        super(message);
    }

    /** Makes an exception with a message for the user, and what led to it. */
    public NativeLibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
