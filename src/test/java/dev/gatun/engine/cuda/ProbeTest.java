package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.RequiresGpu;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The probes do all of the work that their rates are computed from. */
@RequiresGpu
class ProbeTest {
    private static final int LANES = 32;

    private CudaStream stream;
    private DeviceArena memory;
    private KernelLibrary kernels;
    private ProbeOperations probe;

    @BeforeEach
    void open() {
        CudaDevice device = CudaDevice.open(0);
        stream = CudaStream.open(device);
        memory = new DeviceArena(device, 1);
        kernels = new KernelLibrary(device);
        probe = new ProbeOperations(kernels, stream, memory);
    }

    @AfterEach
    void close() {
        kernels.close();
        memory.close();
        stream.close();
    }

    /** One vector, fewer than threads, and a number that no unrolling divides. */
    @ParameterizedTest
    @ValueSource(ints = {1, 1000, 5_000_011})
    void theReadTouchesEveryWord(int vectors) {
        int[] words = new Random(vectors).ints(4L * vectors).toArray();
        DeviceMemory data = memory.allocate((long) vectors * ProbeOperations.VECTOR);
        try (Arena arena = Arena.ofConfined()) {
            data.upload(0, arena.allocateFrom(ValueLayout.JAVA_INT, words), stream);
        }
        probe.read(data);
        int expected = Arrays.stream(words).reduce(0, (a, b) -> a ^ b);
        assertThat(bytes(probe.checksum()).get(ValueLayout.JAVA_INT, 0)).isEqualTo(expected);
    }

    @Test
    void everyThreadMultipliesEveryRound() {
        int rounds = 3;
        probe.multiply(rounds);
        float[] sums = bytes(probe.sums()).toArray(ValueLayout.JAVA_FLOAT);
        for (int i = 0; i < sums.length; i++) {
            assertThat(sums[i]).as("thread %d", i).isCloseTo(expected(i % LANES, rounds), within(1e-3f));
        }
    }

    private MemorySegment bytes(DeviceMemory source) {
        MemorySegment host = Arena.ofAuto().allocate(source.byteSize(), Integer.BYTES);
        source.download(0, host, stream);
        return host;
    }

    /** A lane holds rows g and g + 8, columns 2c and 2c + 1 of eight products that begin at 0 to 7. */
    private static float expected(int lane, int rounds) {
        double products = 0;
        for (int row : new int[] {lane / 4, lane / 4 + 8}) {
            for (int column : new int[] {2 * (lane % 4), 2 * (lane % 4) + 1}) {
                for (int k = 0; k < 16; k++) {
                    products += a(row, k) * b(k, column);
                }
            }
        }
        return (float) (4 * 28 + 8 * rounds * products);
    }

    private static double a(int row, int k) {
        return operand(4 * (row % 8) + k % 8 / 2, row / 8 + 2 * (k / 8), k % 2);
    }

    private static double b(int k, int column) {
        return operand(4 * column + k % 8 / 2, 4 + k / 8, k % 2);
    }

    /** One of the two fp16 of a register of a lane. */
    private static double operand(int lane, int register, int half) {
        int mixed = (lane * 8 + register + 1) * 0x9E3779B1;
        int bits = ((mixed ^ (mixed >>> 15)) & 0x83ff83ff) | 0x30003000;
        return Float.float16ToFloat((short) (bits >>> (16 * half)));
    }
}
