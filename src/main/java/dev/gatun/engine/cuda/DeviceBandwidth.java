package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;

/**
 * How fast a GPU, its memory and its link to the host are, in 10^9 bytes a second, and operations.
 *
 * @param toDevice copies of pinned host memory to the device
 * @param toHost copies back
 * @param read kernels reading device memory
 * @param operations multiplications and additions of fp16 on tensor cores, in fp32 sums, 10^12 a second
 */
public record DeviceBandwidth(double toDevice, double toHost, double read, double operations) {
    private static final long COPIED = 64L << 20;

    // Much larger than caches, and so long to read that beginning and ending a kernel do not count.
    private static final long MOST_READ = 1L << 30;
    private static final int ALIGNMENT = 1 << 20;

    /** Of products, in one launch: so many that its beginning and end do not count. */
    private static final int ROUNDS = 4000;

    /**
     * Measures, in about a second: each the best of the repetitions that 0.2 seconds have room for.
     *
     * @throws dev.gatun.cuda.CudaException if CUDA fails, or has no memory for it
     */
    public static DeviceBandwidth measure(CudaDevice device) {
        try (CudaStream stream = CudaStream.open(device);
                EventTimer timer = new EventTimer(device, stream);
                DeviceArena arena = new DeviceArena(device, 1);
                KernelLibrary kernels = new KernelLibrary(device);
                PinnedBuffer host = PinnedBuffer.allocate(device, COPIED)) {
            DeviceMemory memory = arena.allocate(Math.max(COPIED, bytesToRead(device)));
            memory.zero(stream);
            ProbeOperations probe = new ProbeOperations(kernels, stream, arena);
            return new DeviceBandwidth(
                    rate(COPIED, timer.fastest(() -> memory.copyFrom(0, host, 0, COPIED, stream))),
                    rate(COPIED, timer.fastest(() -> memory.copyTo(0, host, 0, COPIED, stream))),
                    rate(memory.byteSize(), timer.fastest(() -> probe.read(memory))),
                    probe.operations(ROUNDS) / timer.fastest(() -> probe.multiply(ROUNDS)) / 1e12);
        }
    }

    /** Not more than a quarter of what other programs leave. */
    private static long bytesToRead(CudaDevice device) {
        return Math.min(MOST_READ, device.freeMemory() / 4 / ALIGNMENT * ALIGNMENT);
    }

    private static double rate(long bytes, double seconds) {
        return bytes / seconds / 1e9;
    }
}
