package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The adding waits on the device until the host has ended, however late that is. */
@Timeout(120)
class HandOffGpuTest extends OnKernels {
    private static final int TOKENS = 3;

    HandOffGpuTest() {
        super("tokens");
    }

    @Test
    void whatTheHostWritesAfterTheLaunchIsAdded() {
        assumeThat(CudaDevice.open(0).mayWaitForHost())
                .as("kernels may wait for the host here")
                .isTrue();
        forCases(sample -> {
            try (Case drawn = new Case(sample)) {
                for (int part = 0; part < 20; part++) {
                    drawn.runPart(sample);
                }
                drawn.check();
            }
        });
    }

    private static final class Case implements AutoCloseable {
        private final CudaDevice device = CudaDevice.open(0);
        private final CudaStream stream = CudaStream.open(device);
        private final DeviceArena arena = new DeviceArena(device, 1 << 20);
        private final KernelLibrary kernels = new KernelLibrary(device);
        private final DeviceMemory error = arena.allocate(Integer.BYTES);
        private final int columns;
        private final PinnedHandOff handOff;
        private final DeviceFloats hidden;
        private final float[][] expected;

        Case(Sample sample) {
            columns = sample.integer("hidden", 4, 1, 1500);
            handOff = new PinnedHandOff(device, new TokenOperations(kernels, stream), TOKENS, columns, 2);
            hidden = DeviceFloats.allocate(arena, TOKENS, columns);
            expected = new float[TOKENS][columns];
            hidden.memory().zero(stream);
            error.zero(stream);
            stream.synchronize();
        }

        /** The outputs of a part are those of its token: whole numbers, which are added exactly. */
        void runPart(Sample sample) {
            int token = sample.below(TOKENS);
            HandOff.HostSide host = handOff.host();
            host.ended().begin();
            handOff.add(token, hidden.rows(token, 1), error);
            if (sample.below(4) > 0) {
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(sample.below(1000)));
                assertThat(stream.isIdle()).as("the adding has ended").isFalse();
            }
            for (int k = 0; k < columns; k++) {
                host.outputs().set(token, k, sample.below(1000));
                expected[token][k] += host.outputs().get(token, k);
            }
            host.ended().end();
            while (!stream.isIdle()) {
                Thread.onSpinWait();
            }
        }

        void check() {
            MemorySegment sums = Arena.ofAuto().allocate(hidden.memory().byteSize(), Float.BYTES);
            MemorySegment word = Arena.ofAuto().allocate(Integer.BYTES, Integer.BYTES);
            hidden.memory().download(0, sums, stream);
            error.download(0, word, stream);
            float[] all = sums.toArray(ValueLayout.JAVA_FLOAT);
            for (int token = 0; token < TOKENS; token++) {
                assertThat(Arrays.copyOfRange(all, token * columns, (token + 1) * columns))
                        .containsExactly(expected[token]);
            }
            assertThat(word.get(ValueLayout.JAVA_INT, 0)).isZero();
        }

        @Override
        public void close() {
            handOff.host().ended().end();
            stream.synchronize();
            handOff.close();
            kernels.close();
            arena.close();
            stream.close();
        }
    }
}
