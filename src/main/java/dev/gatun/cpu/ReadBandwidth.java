package dev.gatun.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;

/**
 * How fast threads read this machine's memory: the bound of a product with one token.
 *
 * @param gigabytesPerSecond 10^9 bytes a second
 * @param threads how many threads read
 */
public record ReadBandwidth(double gigabytesPerSecond, int threads) {
    private static final long LEAST_BYTES = 256L << 20;
    // Writing the memory first takes most of the time, and virtual machines report caches that they share with others.
    private static final long MOST_BYTES = 1L << 30;
    private static final int CACHES = 4;
    private static final long NANOSECONDS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final int ALIGNMENT = 4096;

    /**
     * Measures: the best of the reads that 0.2 seconds have room for, of memory too large for the caches.
     *
     * @param threads 1 to 4096
     * @throws CpuException if the threads cannot be had
     * @throws dev.gatun.natives.NativeLibraryException if the CPU library cannot be loaded
     * @throws OutOfMemoryError if the memory to read cannot be had
     */
    public static ReadBandwidth measure(int threads) {
        long bytes = Math.clamp(CACHES * LastLevelCache.bytes(), LEAST_BYTES, MOST_BYTES);
        try (CpuPool pool = CpuPool.open(threads, CpuLevel.chosen());
                Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(bytes, ALIGNMENT);
            // Pages that nobody wrote to share one page of zeros, which lies in the cache.
            memory.fill((byte) 1);
            pool.read(memory);
            return new ReadBandwidth((double) bytes / fastestRead(pool, memory), threads);
        }
    }

    /** Nanoseconds of the fastest read. */
    private static long fastestRead(CpuPool pool, MemorySegment memory) {
        long begin = System.nanoTime();
        long fastest = Long.MAX_VALUE;
        long end;
        do {
            long start = System.nanoTime();
            pool.read(memory);
            end = System.nanoTime();
            fastest = Math.min(fastest, end - start);
        } while (end - begin < NANOSECONDS);
        return fastest;
    }
}
