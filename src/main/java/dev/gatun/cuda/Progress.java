package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;

/** What the answer to a question for progress means. */
final class Progress {
    private Progress() {}

    static boolean isDone(int code, String operation) {
        if (code == CudaRuntime.cudaErrorNotReady()) {
            return false;
        }
        if (code != CudaRuntime.cudaSuccess()) {
            throw CudaException.of(code, operation);
        }
        return true;
    }
}
