package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** Copies on the device against the same copies of arrays in Java. */
class CopiesTest extends OnGpu {
    private static final int SIZE = 100_003;

    @Test
    void randomCopiesOfAllocatedMemoryDoWhatArraysDo() {
        randomCopiesDoWhatArraysDo(PinnedBuffer::allocate);
    }

    @Test
    void randomCopiesOfRegisteredMemoryDoWhatArraysDo() {
        randomCopiesDoWhatArraysDo(PinnedBuffer::register);
    }

    private void randomCopiesDoWhatArraysDo(BiFunction<CudaDevice, Long, PinnedBuffer> pinning) {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        try (PinnedBuffer pinned = pinning.apply(device, (long) SIZE);
                DeviceBuffer first = DeviceBuffer.allocate(device, SIZE);
                DeviceBuffer second = DeviceBuffer.allocate(stream, SIZE)) {
            byte[] onHost = new byte[SIZE];
            assertThat(pinned.segment().toArray(ValueLayout.JAVA_BYTE)).containsExactly(onHost);
            random.nextBytes(onHost);
            MemorySegment.copy(onHost, 0, pinned.segment(), ValueLayout.JAVA_BYTE, 0, SIZE);
            byte[] inFirst = new byte[SIZE];
            byte[] inSecond = new byte[SIZE];
            first.zero(stream);
            second.zero(stream);
            for (int i = 0; i < 300; i++) {
                int bytes = random.nextInt(SIZE + 1) >> random.nextInt(17);
                int from = random.nextInt(SIZE - bytes + 1);
                int to = random.nextInt(SIZE - bytes + 1);
                switch (random.nextInt(4)) {
                    case 0 -> {
                        first.slice(to, bytes).copyFrom(0, pinned, from, bytes, stream);
                        System.arraycopy(onHost, from, inFirst, to, bytes);
                    }
                    case 1 -> {
                        second.copyFrom(to, first.slice(from, bytes), 0, bytes, stream);
                        System.arraycopy(inFirst, from, inSecond, to, bytes);
                    }
                    case 2 -> {
                        second.slice(from, SIZE - from).copyTo(0, pinned, to, bytes, stream);
                        System.arraycopy(inSecond, from, onHost, to, bytes);
                    }
                    default -> {
                        first.copyFrom(to, second, from, bytes, stream);
                        System.arraycopy(inSecond, from, inFirst, to, bytes);
                    }
                }
            }
            stream.synchronize();

            assertThat(pinned.segment().toArray(ValueLayout.JAVA_BYTE))
                    .as("seed %d", seed)
                    .containsExactly(onHost);
            assertThat(bytes(first).toArray(ValueLayout.JAVA_BYTE))
                    .as("seed %d", seed)
                    .containsExactly(inFirst);
            assertThat(bytes(second).toArray(ValueLayout.JAVA_BYTE))
                    .as("seed %d", seed)
                    .containsExactly(inSecond);
        }
    }

    @Test
    void copiesInBothDirectionsOverlapAndStayApart() {
        int half = 32 << 20;
        try (PinnedBuffer pinned = PinnedBuffer.register(device, 2L * half);
                DeviceBuffer buffer = DeviceBuffer.allocate(device, 2L * half);
                CudaStream back = CudaStream.open(device)) {
            pinned.segment().asSlice(0, half).fill((byte) 1);
            buffer.fill((byte) 2, stream);
            stream.synchronize();
            for (int i = 0; i < 4; i++) {
                buffer.copyFrom(0, pinned, 0, half, stream);
                buffer.copyTo(half, pinned, half, half, back);
            }
            stream.synchronize();
            back.synchronize();

            assertThat(bytes(buffer.slice(0, half)).mismatch(pinned.segment().asSlice(0, half)))
                    .isEqualTo(-1);
            assertThat(bytes(buffer.slice(half, half)).mismatch(pinned.segment().asSlice(half, half)))
                    .isEqualTo(-1);
            assertThat(pinned.segment().get(ValueLayout.JAVA_BYTE, 2L * half - 1))
                    .isEqualTo((byte) 2);
        }
    }
}
