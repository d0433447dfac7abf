package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CudaExceptionTest {
    @Test
    void theMessageIsTheOperationTheNameTheTextAndTheAdvice() {
        CudaException e = CudaException.describe(
                2, "cudaErrorMemoryAllocation", "out of memory", "allocating 5 bytes", "use less");

        assertThat(e).hasMessage("allocating 5 bytes: cudaErrorMemoryAllocation, out of memory; use less");
        assertThat(e.code()).isEqualTo(2);
        assertThat(e.errorName()).isEqualTo("cudaErrorMemoryAllocation");
        assertThat(e.operation()).isEqualTo("allocating 5 bytes");
        assertThat(e.isContextLost()).isFalse();
    }

    @Test
    void anErrorThatStaysSaysThatTheContextIsLost() {
        CudaException e = CudaException.describe(
                700, "cudaErrorIllegalAddress", "an illegal memory access was encountered", "waiting for a stream", "");

        assertThat(e.isContextLost()).isTrue();
        assertThat(e)
                .hasMessageEndingWith(
                        "; the CUDA context is lost, and with it all GPU memory of this process: start the program again");
    }
}
