package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;

/** An operation that the CPU library refused or could not finish. The message is one line: what, why, how to mend it. */
public sealed class CpuException extends RuntimeException permits NotANumberException {
    private static final long serialVersionUID = 1L;

    /** Makes an exception with a message for the user. */
    public CpuException(String message) {
        super(message);
    }

    /** Makes an exception with a message for the user, and what led to it. */
    public CpuException(String message, Throwable cause) {
        super(message, cause);
    }

    /** Throws unless an operation returned success. */
    static void check(int code, String operation) {
        if (code == CpuLibrary.GATUN_ENAN()) {
            throw new NotANumberException(operation);
        }
        if (code != CpuLibrary.GATUN_OK()) {
            throw new CpuException(operation + ": " + meaning(code));
        }
    }

    private static String meaning(int code) {
        if (code == CpuLibrary.GATUN_EINVAL()) {
            return "the CPU library found shapes that contradict each other";
        }
        if (code == CpuLibrary.GATUN_ENOMEM()) {
            return "memory or a thread could not be had: use fewer threads, or free memory";
        }
        if (code == CpuLibrary.GATUN_ELEVEL()) {
            return "this processor lacks the instruction set: choose a lower level with " + CpuLevel.VARIABLE;
        }
        return "the CPU library returned the unknown code " + code;
    }
}
