package dev.gatun.engine.cuda;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;

/**
 * What the two roads to experts in host memory give at the same time, in 10^9 bytes a second: the link copies to the device
 * while the host's threads read. Both take from one memory, so together they may give less than each alone.
 *
 * @param link copied
 * @param read read by the threads
 */
public record RoadBandwidth(double link, double read) {
    private static final long COPIED = 64L << 20;
    private static final double SECONDS = 0.3;

    // Large against caches that a virtual machine shares with others.
    private static final long READ = 1L << 30;
    /** What is read between two looks at the copies. */
    private static final long PIECE = READ / 16;

    private static final int ALIGNMENT = 4096;
    private static final double NANO = 1e-9;

    /**
     * Measures, in about a second, with up to 1 GiB of memory.
     *
     * @param threads that read, 1 to 4096
     * @throws dev.gatun.cuda.CudaException if CUDA fails, or has no memory for it
     * @throws dev.gatun.cpu.CpuException if the threads cannot be had
     * @throws dev.gatun.natives.NativeLibraryException if the CPU library cannot be loaded
     * @throws OutOfMemoryError if the memory to read cannot be had
     */
    public static RoadBandwidth measure(CudaDevice device, int threads) {
        try (CudaStream stream = CudaStream.open(device);
                PinnedBuffer host = PinnedBuffer.allocate(device, COPIED);
                DeviceBuffer target = DeviceBuffer.allocate(device, COPIED);
                CpuPool pool = CpuPool.open(threads, CpuLevel.chosen());
                Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(READ, ALIGNMENT);
            // Pages that nobody wrote to share one page of zeros, which lies in the cache.
            memory.fill((byte) 1);
            pool.read(memory);
            Runnable copy = () -> target.copyFrom(0, host, 0, COPIED, stream);
            try (CopyTrain copies = new CopyTrain(copy, () -> new EventMark(stream))) {
                return measure(copies, piece -> pool.read(memory.asSlice(piece * PIECE, PIECE)));
            } finally {
                stream.synchronize();
            }
        }
    }

    /** Reads as long as copies are in flight, and counts copies as long as it reads. */
    private static RoadBandwidth measure(CopyTrain copies, LongConsumer read) {
        long begin = System.nanoTime();
        long pieces = 0;
        double seconds;
        do {
            copies.look();
            read.accept(pieces % (READ / PIECE));
            pieces++;
            seconds = (System.nanoTime() - begin) * NANO;
        } while (seconds < SECONDS);
        return new RoadBandwidth(copies.ended() * COPIED / seconds / 1e9, pieces * PIECE / seconds / 1e9);
    }
}
