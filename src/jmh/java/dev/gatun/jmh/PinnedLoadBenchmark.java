package dev.gatun.jmh;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.MemorySegment;

/**
 * Filling page-locked memory with experts, as opening a model does that does not fit the GPU.
 *
 * <p>{@code make bench ARGS=PinnedLoadBenchmark}
 */
public class PinnedLoadBenchmark extends LoadBenchmark {
    private PinnedBuffer pinned;

    @Override
    MemorySegment allocate(long bytes) {
        pinned = PinnedBuffer.register(CudaDevice.open(0), bytes);
        return pinned.segment();
    }

    @Override
    void free() {
        pinned.close();
    }
}
