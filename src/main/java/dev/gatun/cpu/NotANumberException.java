package dev.gatun.cpu;

/** An operation met NaN where it must choose. */
public final class NotANumberException extends CpuException {
    private static final long serialVersionUID = 1L;

    NotANumberException(String operation) {
        super(operation + ": a logit is NaN: the weights are damaged, or an activation overflowed");
    }
}
