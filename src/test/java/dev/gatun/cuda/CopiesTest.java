package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
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
    void randomRowsArriveAndNothingBesideThemIsTouched() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        try (PinnedBuffer pinned = PinnedBuffer.register(device, SIZE);
                DeviceBuffer first = DeviceBuffer.allocate(device, SIZE);
                DeviceBuffer second = DeviceBuffer.allocate(stream, SIZE)) {
            byte[] onHost = new byte[SIZE];
            random.nextBytes(onHost);
            MemorySegment.copy(onHost, 0, pinned.segment(), ValueLayout.JAVA_BYTE, 0, SIZE);
            for (int i = 0; i < 100; i++) {
                byte[] inFirst = poisoned(first, (byte) i);
                byte[] inSecond = poisoned(second, (byte) ~i);
                int count = 1 + random.nextInt(1 << random.nextInt(11));
                int rowBytes = 1 + random.nextInt(SIZE / count);
                Rows source = rows(random, rowBytes, count);
                Rows middle = rows(random, rowBytes, count);
                Rows target = rows(random, rowBytes, count);

                first.copyRowsFrom(middle, pinned, source, rowBytes, count, stream);
                copyRows(onHost, source, inFirst, middle, rowBytes, count);
                // Through slices that end with the last row, and begin anywhere before the first.
                Rows from = new Rows(random.nextLong(middle.offset() + 1), middle.pitch());
                Rows to = new Rows(random.nextLong(target.offset() + 1), target.pitch());
                tail(second, target, to, rowBytes, count)
                        .copyRowsFrom(to, tail(first, middle, from, rowBytes, count), from, rowBytes, count, stream);
                copyRows(inFirst, middle, inSecond, target, rowBytes, count);

                assertThat(bytes(first).toArray(ValueLayout.JAVA_BYTE))
                        .as("seed %d", seed)
                        .isEqualTo(inFirst);
                assertThat(bytes(second).toArray(ValueLayout.JAVA_BYTE))
                        .as("seed %d", seed)
                        .isEqualTo(inSecond);
            }
        }
    }

    private byte[] poisoned(DeviceBuffer buffer, byte value) {
        buffer.fill(value, stream);
        byte[] bytes = new byte[SIZE];
        Arrays.fill(bytes, value);
        return bytes;
    }

    /** Rows with any pitch and offset that leave them inside the buffer. */
    private static Rows rows(Random random, int rowBytes, int count) {
        int slack = SIZE - count * rowBytes;
        int pitch = rowBytes + (slack / count == 0 ? 0 : random.nextInt(slack / count + 1));
        return new Rows(random.nextInt(SIZE - (count - 1) * pitch - rowBytes + 1), pitch);
    }

    /** The slice of a buffer in which {@code rows} are {@code inSlice}, and nothing is behind the last. */
    private static DeviceSlice tail(DeviceBuffer buffer, Rows rows, Rows inSlice, int rowBytes, int count) {
        return buffer.slice(rows.offset() - inSlice.offset(), inSlice.offset() + inSlice.span(rowBytes, count));
    }

    private static void copyRows(byte[] source, Rows from, byte[] target, Rows to, int rowBytes, int count) {
        for (int row = 0; row < count; row++) {
            int start = Math.toIntExact(from.offset() + row * from.pitch());
            System.arraycopy(source, start, target, Math.toIntExact(to.offset() + row * to.pitch()), rowBytes);
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
