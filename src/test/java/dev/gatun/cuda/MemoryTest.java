package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

class MemoryTest extends OnGpu {
    @Test
    void fillsReachTheLastByteOfASliceAndNoFurther() {
        try (DeviceBuffer buffer = DeviceBuffer.allocate(device, 1000)) {
            buffer.fill((byte) 9, stream);
            buffer.slice(10, 980).slice(5, 100).zero(stream);

            MemorySegment bytes = bytes(buffer);
            for (int i = 0; i < 1000; i++) {
                assertThat(bytes.get(ValueLayout.JAVA_BYTE, i)).as("byte %d", i).isEqualTo((byte)
                        (i >= 15 && i < 115 ? 0 : 9));
            }
        }
    }

    @Test
    void memoryAllocatedInOrderIsUsableInOrder() {
        for (int round = 0; round < 20; round++) {
            try (DeviceBuffer buffer = DeviceBuffer.allocate(stream, 4 << 20)) {
                buffer.fill((byte) round, stream);
                assertThat(bytes(buffer.slice((4 << 20) - 1, 1)).get(ValueLayout.JAVA_BYTE, 0))
                        .isEqualTo((byte) round);
            }
        }
    }

    @Test
    void memoryOutlivesTheStreamThatItWasAllocatedOn() {
        CudaStream shortLived = CudaStream.open(device);
        DeviceBuffer buffer = DeviceBuffer.allocate(shortLived, 64);
        buffer.zero(shortLived);
        shortLived.close();

        assertThat(bytes(buffer).get(ValueLayout.JAVA_LONG, 0)).isZero();
        buffer.close();
        buffer.close();
    }

    @Test
    void rangesOutsideAreRefused() {
        try (DeviceBuffer buffer = DeviceBuffer.allocate(device, 100);
                PinnedBuffer pinned = PinnedBuffer.allocate(device, 100)) {
            DeviceSlice slice = buffer.slice(50, 50);
            assertOutside(() -> buffer.slice(1, 100));
            assertOutside(() -> buffer.slice(-1, 1));
            assertOutside(() -> slice.slice(0, 51));
            assertOutside(() -> buffer.copyFrom(1, pinned, 0, 100, stream));
            assertOutside(() -> buffer.copyFrom(0, pinned, 1, 100, stream));
            assertOutside(() -> buffer.copyTo(Long.MAX_VALUE, pinned, 0, 2, stream));
            assertOutside(() -> buffer.copyTo(0, pinned, 0, -1, stream));
            assertOutside(() -> slice.copyFrom(0, buffer, 0, 51, stream));
            Rows rows = new Rows(4, 24);
            slice.copyRowsFrom(rows, pinned, rows, 22, 2, stream);
            assertOutside(() -> slice.copyRowsFrom(rows, pinned, rows, 23, 2, stream));
            assertOutside(() -> buffer.copyRowsFrom(rows, pinned, new Rows(60, 24), 20, 2, stream));
            assertOutside(() -> buffer.copyRowsFrom(rows, slice, rows, 16, 3, stream));
            assertOutside(() -> buffer.copyRowsFrom(rows, pinned, rows, 16, Long.MAX_VALUE, stream));
            assertOutside(() -> slice.upload(45, pinned.segment().asSlice(0, 6), stream));
            assertOutside(() -> slice.download(45, pinned.segment().asSlice(0, 6), stream));
        }
    }

    private static void assertOutside(Runnable call) {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(call::run)
                .withMessageContaining("out of bounds");
    }

    @Test
    void whatDoesNotFitIsRefused() {
        try (DeviceBuffer buffer = DeviceBuffer.allocate(device, 100)) {
            MemorySegment onHeap = MemorySegment.ofArray(new byte[4]);
            assertThatIllegalArgumentException().isThrownBy(() -> buffer.upload(0, onHeap, stream));
            assertThatIllegalArgumentException().isThrownBy(() -> buffer.download(0, onHeap, stream));
            assertThatIllegalArgumentException().isThrownBy(() -> buffer.copyFrom(0, buffer, 9, 10, stream));
            assertThatIllegalArgumentException().isThrownBy(() -> DeviceBuffer.allocate(device, 0));
            assertThatIllegalArgumentException().isThrownBy(() -> DeviceBuffer.allocate(stream, -1));
            assertThatIllegalArgumentException().isThrownBy(() -> PinnedBuffer.allocate(device, 0));
            buffer.copyFrom(0, buffer, 50, 50, stream);

            Rows low = new Rows(0, 30);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> buffer.copyRowsFrom(low, buffer, new Rows(39, 20), 10, 2, stream))
                    .withMessage("the ranges overlap: 40 bytes from offset 0 and 30 from offset 39 of one buffer");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> buffer.slice(40, 60).copyRowsFrom(new Rows(0, 20), buffer, low, 11, 2, stream));
            buffer.copyRowsFrom(low, buffer, new Rows(40, 20), 10, 2, stream);
        }
    }

    @Test
    void closedMemoryIsRefused() {
        DeviceBuffer buffer = DeviceBuffer.allocate(device, 100);
        DeviceSlice slice = buffer.slice(0, 10);
        PinnedBuffer pinned = PinnedBuffer.register(device, 100);
        try (DeviceBuffer open = DeviceBuffer.allocate(device, 100)) {
            pinned.close();
            pinned.close();
            assertThatIllegalStateException()
                    .isThrownBy(() -> buffer.copyTo(0, pinned, 0, 10, stream))
                    .withMessage("the pinned buffer is closed");
            Rows rows = new Rows(0, 5);
            assertThatIllegalStateException()
                    .isThrownBy(() -> buffer.copyRowsFrom(rows, pinned, rows, 5, 2, stream))
                    .withMessage("the pinned buffer is closed");
            assertThatIllegalStateException().isThrownBy(() -> pinned.segment().get(ValueLayout.JAVA_BYTE, 0));
            buffer.close();
            buffer.close();
            assertThat(slice.isOpen()).isFalse();
            assertThatIllegalStateException()
                    .isThrownBy(() -> slice.zero(stream))
                    .withMessage("the device buffer is closed");
            assertThatIllegalStateException().isThrownBy(() -> open.copyFrom(0, slice, 0, 10, stream));
            assertThatIllegalStateException()
                    .isThrownBy(() -> open.copyRowsFrom(rows, slice, rows, 5, 2, stream))
                    .withMessage("the device buffer is closed");
            assertThatIllegalStateException()
                    .isThrownBy(() -> slice.storeAddress(0, Arena.ofAuto().allocate(8), 0));
        }
        stream.synchronize();
    }

    @Test
    void theArenaOfAFailedCopyDecides() {
        try (DeviceBuffer buffer = DeviceBuffer.allocate(device, 100)) {
            MemorySegment gone;
            try (Arena arena = Arena.ofConfined()) {
                gone = arena.allocate(10);
                MemorySegment readOnly = gone.asReadOnly();
                buffer.upload(0, readOnly, stream);
                assertThatIllegalArgumentException().isThrownBy(() -> buffer.download(0, readOnly, stream));
            }
            assertThatIllegalStateException().isThrownBy(() -> buffer.upload(0, gone, stream));
        }
    }

    @Test
    void closingWaitsForCopiesInFlightOnEveryStream() {
        try (CudaStream other = CudaStream.open(device);
                CudaEvent copied = CudaEvent.open(device);
                PinnedBuffer pinned = PinnedBuffer.allocate(device, 64)) {
            for (boolean isOrdered : new boolean[] {false, true}) {
                DeviceBuffer buffer = isOrdered ? DeviceBuffer.allocate(stream, 64) : DeviceBuffer.allocate(device, 64);
                stream.synchronize();
                spin(other, 30);
                buffer.copyTo(0, pinned, 0, 64, other);
                other.record(copied);
                assertThat(copied.hasHappened()).isFalse();

                buffer.close();

                assertThat(copied.hasHappened()).isTrue();
            }
        }
    }

    @Test
    void closingPinnedMemoryWaitsForCopiesInFlight() {
        Rows rows = new Rows(0, 32);
        closingPinnedMemoryWaitsFor((buffer, pinned) -> buffer.copyFrom(0, pinned, 0, 64, stream));
        closingPinnedMemoryWaitsFor((buffer, pinned) -> buffer.copyRowsFrom(rows, pinned, rows, 9, 2, stream));
    }

    private void closingPinnedMemoryWaitsFor(BiConsumer<DeviceBuffer, PinnedBuffer> copy) {
        try (DeviceBuffer buffer = DeviceBuffer.allocate(device, 64);
                CudaEvent copied = CudaEvent.open(device)) {
            PinnedBuffer pinned = PinnedBuffer.register(device, 64);
            spin(stream, 30);
            copy.accept(buffer, pinned);
            stream.record(copied);
            assertThat(copied.hasHappened()).isFalse();

            pinned.close();

            assertThat(copied.hasHappened()).isTrue();
        }
    }

    @Test
    void racingCloseFreesOnceAndUseEndsInAnException() {
        for (int round = 0; round < 20; round++) {
            DeviceBuffer buffer = DeviceBuffer.allocate(device, 1 << 16);
            CompletableFuture<Void> user = CompletableFuture.runAsync(() -> {
                while (true) {
                    buffer.zero(stream);
                }
            });
            CompletableFuture<Void> closer = CompletableFuture.runAsync(buffer::close);
            buffer.close();
            closer.join();
            assertThat(user)
                    .failsWithin(java.time.Duration.ofSeconds(10))
                    .withThrowableThat()
                    .withCauseInstanceOf(IllegalStateException.class);
        }
        stream.synchronize();
    }
}
