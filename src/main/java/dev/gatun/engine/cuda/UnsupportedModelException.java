package dev.gatun.engine.cuda;

/** A model that the kernels cannot run, or that does not fit the device; the message says why and what to do. */
public final class UnsupportedModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsupportedModelException(String message) {
        super(message);
    }
}
