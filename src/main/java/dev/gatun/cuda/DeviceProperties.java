package dev.gatun.cuda;

import dev.gatun.bindings.cuda.cudaDeviceProp;
import java.lang.foreign.MemorySegment;

/**
 * What a GPU is.
 *
 * @param name NVIDIA's name of it
 * @param pciAddress where it sits, as {@code lspci -D} writes it: {@code "0000:1a:00.0"}
 * @param capability its generation
 * @param totalMemory bytes of its memory
 * @param multiprocessors streaming multiprocessors
 * @param l2Cache bytes of its second-level cache
 * @param sharedMemoryPerBlock the most bytes of shared memory that a block can have, static and dynamic together
 * @param maxThreadsPerBlock the most threads of a block
 * @param hasCooperativeLaunch whether a kernel may wait for all its blocks
 * @param hasMemoryPools whether memory can be allocated in a stream's order
 */
public record DeviceProperties(
        String name,
        String pciAddress,
        ComputeCapability capability,
        long totalMemory,
        int multiprocessors,
        long l2Cache,
        long sharedMemoryPerBlock,
        int maxThreadsPerBlock,
        boolean hasCooperativeLaunch,
        boolean hasMemoryPools) {

    /** @param properties a {@code cudaDeviceProp} */
    static DeviceProperties of(MemorySegment properties, String pciAddress) {
        return new DeviceProperties(
                cudaDeviceProp.name(properties).getString(0),
                pciAddress,
                new ComputeCapability(cudaDeviceProp.major(properties), cudaDeviceProp.minor(properties)),
                cudaDeviceProp.totalGlobalMem(properties),
                cudaDeviceProp.multiProcessorCount(properties),
                cudaDeviceProp.l2CacheSize(properties),
                cudaDeviceProp.sharedMemPerBlockOptin(properties),
                cudaDeviceProp.maxThreadsPerBlock(properties),
                cudaDeviceProp.cooperativeLaunch(properties) != 0,
                cudaDeviceProp.memoryPoolsSupported(properties) != 0);
    }
}
