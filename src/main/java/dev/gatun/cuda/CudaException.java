package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;

/**
 * An operation that CUDA refused, or work that failed on the GPU. The message is one line: the operation in the caller's
 * terms, CUDA's name of the error, and its text.
 *
 * <p>Since work runs asynchronously, the operation named may be a later one than the one that failed.
 */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int code;
    private final String errorName;
    private final String operation;

    private CudaException(int code, String errorName, String operation, String message) {
        super(message);
        this.code = code;
        this.errorName = errorName;
        this.operation = operation;
    }

    /** Throws unless an operation returned success. */
    static void check(int code, String operation) {
        if (code != CudaRuntime.cudaSuccess()) {
            throw of(code, operation);
        }
    }

    /** An exception for a code other than success. */
    static CudaException of(int code, String operation) {
        return of(code, operation, "");
    }

    /** An exception for a code other than success, with more to say than CUDA's own text. */
    static CudaException of(int code, String operation, String advice) {
        // Or the error would be found again by whoever asks for the last one after a call that went well.
        CudaRuntime.cudaGetLastError();
        return describe(
                code,
                CudaRuntime.cudaGetErrorName(code).getString(0),
                CudaRuntime.cudaGetErrorString(code).getString(0),
                operation,
                advice);
    }

    static CudaException describe(int code, String errorName, String text, String operation, String advice) {
        String lost = isSticky(code)
                ? "; the CUDA context is lost, and with it all GPU memory of this process: start the program again"
                : "";
        String more = advice.isEmpty() ? "" : "; " + advice;
        return new CudaException(code, errorName, operation, operation + ": " + errorName + ", " + text + more + lost);
    }

    /** CUDA's number of the error, a {@code cudaError_t}. */
    public int code() {
        return code;
    }

    /** CUDA's name of the error: {@code "cudaErrorIllegalAddress"}. */
    public String errorName() {
        return errorName;
    }

    /** What was asked for, in the caller's terms: {@code "launch of kernel `axpy`"}. */
    public String operation() {
        return operation;
    }

    /** Whether every later call will fail as well, until the program is started again. */
    public boolean isContextLost() {
        return isSticky(code);
    }

    /** Whether the device has not so much memory free. */
    public boolean isOutOfMemory() {
        return code == CudaRuntime.cudaErrorMemoryAllocation();
    }

    /** Whether the system has no more host memory that may be page-locked, if that is what was asked for. */
    public boolean isOutOfLockableMemory() {
        return isOutOfLockableMemory(code);
    }

    static boolean isOutOfLockableMemory(int code) {
        return code == CudaRuntime.cudaErrorMemoryAllocation() || code == CudaRuntime.cudaErrorOperatingSystem();
    }

    private static boolean isSticky(int code) {
        return code == CudaRuntime.cudaErrorIllegalAddress()
                || code == CudaRuntime.cudaErrorLaunchFailure()
                || code == CudaRuntime.cudaErrorLaunchTimeout()
                || code == CudaRuntime.cudaErrorAssert()
                || code == CudaRuntime.cudaErrorHardwareStackError()
                || code == CudaRuntime.cudaErrorIllegalInstruction()
                || code == CudaRuntime.cudaErrorMisalignedAddress()
                || code == CudaRuntime.cudaErrorInvalidAddressSpace()
                || code == CudaRuntime.cudaErrorInvalidPc()
                || code == CudaRuntime.cudaErrorTensorMemoryLeak()
                || code == CudaRuntime.cudaErrorECCUncorrectable()
                || code == CudaRuntime.cudaErrorNvlinkUncorrectable()
                || code == CudaRuntime.cudaErrorContained()
                || code == CudaRuntime.cudaErrorMpsClientTerminated()
                || code == CudaRuntime.cudaErrorContextIsDestroyed();
    }
}
