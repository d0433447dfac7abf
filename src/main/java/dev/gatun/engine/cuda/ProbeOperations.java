package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;

/** {@code probe.cu}: what the device can do at most, to compare operations with. */
final class ProbeOperations {
    /** What {@link #read} reads is a multiple of this. */
    static final int VECTOR = 16;

    private static final int BLOCK = 256;
    private static final int WARP = 32;
    private static final int READ_BLOCKS = 8;
    private static final int MULTIPLY_BLOCKS = 2;

    /** Eight products of 16 x 8 x 16, each multiplication and each addition counted. */
    private static final long OPERATIONS_PER_ROUND = 8L * 2 * 16 * 8 * 16;

    private final CudaStream stream;
    private final int multiprocessors;
    private final KernelArguments read;
    private final KernelArguments multiply;
    private final DeviceMemory checksum;
    private final DeviceMemory sums;

    ProbeOperations(KernelLibrary kernels, CudaStream stream, DeviceArena arena) {
        this.stream = stream;
        this.multiprocessors = kernels.device().properties().multiprocessors();
        this.read = kernels.find("probe", "gatun_probe_read");
        this.multiply = kernels.find("probe", "gatun_probe_multiply");
        this.checksum = arena.allocate(Integer.BYTES);
        this.sums = arena.allocate((long) multiplyBlocks() * BLOCK * Float.BYTES);
        checksum.zero(stream);
    }

    /** Reads all of {@code data}, whose bytes are a multiple of {@value #VECTOR}. */
    void read(DeviceMemory data) {
        if (data.byteSize() % VECTOR != 0) {
            throw new IllegalArgumentException(data.byteSize() + " bytes: no multiple of " + VECTOR);
        }
        read.set(0, data).set(1, data.byteSize() / VECTOR).set(2, checksum);
        read.kernel().launch(LaunchShape.of(READ_BLOCKS * multiprocessors, BLOCK), read, stream);
    }

    /** The exclusive or of all words read so far, an int32. */
    DeviceMemory checksum() {
        return checksum;
    }

    /** Multiplies registers on the tensor cores, fp16 to fp32, for so many rounds. */
    void multiply(int rounds) {
        multiply.set(0, rounds).set(1, sums);
        multiply.kernel().launch(LaunchShape.of(multiplyBlocks(), BLOCK), multiply, stream);
    }

    /** What each thread of {@link #multiply} computed, float32. */
    DeviceMemory sums() {
        return sums;
    }

    /** Arithmetic operations of {@link #multiply}. */
    double operations(int rounds) {
        return (double) OPERATIONS_PER_ROUND * rounds * multiplyBlocks() * BLOCK / WARP;
    }

    private int multiplyBlocks() {
        return MULTIPLY_BLOCKS * multiprocessors;
    }
}
