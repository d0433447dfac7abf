package dev.gatun.engine;

/** A router saw NaN: the weights are broken, or an operation before it is. */
public final class RouterFailureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes the exception for a layer. */
    public RouterFailureException(int layer, Throwable cause) {
        super("the router of layer " + layer + " got values that are not numbers; the weights are damaged", cause);
    }
}
