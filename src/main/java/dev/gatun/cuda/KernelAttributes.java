package dev.gatun.cuda;

import dev.gatun.bindings.cuda.cudaFuncAttributes;
import java.lang.foreign.MemorySegment;

/**
 * What a kernel takes of a device.
 *
 * @param registers registers of a thread
 * @param localMemory bytes of a thread's local memory; above 0 where registers spill
 * @param staticSharedMemory bytes of shared memory that the kernel declares itself, per block
 * @param maxThreadsPerBlock the most threads with which a block can be launched
 * @param ptxVersion the capability that its PTX was made for, 75 for 7.5
 * @param binaryVersion the capability that its machine code was made for
 */
public record KernelAttributes(
        int registers,
        long localMemory,
        long staticSharedMemory,
        int maxThreadsPerBlock,
        int ptxVersion,
        int binaryVersion) {

    /** @param attributes a {@code cudaFuncAttributes} */
    static KernelAttributes of(MemorySegment attributes) {
        return new KernelAttributes(
                cudaFuncAttributes.numRegs(attributes),
                cudaFuncAttributes.localSizeBytes(attributes),
                cudaFuncAttributes.sharedSizeBytes(attributes),
                cudaFuncAttributes.maxThreadsPerBlock(attributes),
                cudaFuncAttributes.ptxVersion(attributes),
                cudaFuncAttributes.binaryVersion(attributes));
    }
}
