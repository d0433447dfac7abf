package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.RequiresGpu;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.junit.jupiter.api.Test;

@RequiresGpu
class PinnedStoreGpuTest {
    private static final int BLOCKS = 5;
    private static final long BLOCK = 1 << 20;

    /** Blocks 0 to 3 are locked, the last one is not. */
    private static PinnedStore store(CudaDevice device) {
        PieceAllocator unlimited = PieceAllocator.of(device);
        return PinnedStore.allocate(
                bytes -> bytes > 2 * BLOCK ? Optional.empty() : unlimited.pinned(bytes), BLOCKS, BLOCK);
    }

    @Test
    void blocksArriveWhereTheyAreSentAndComeBackLockedOrNot() {
        CudaDevice device = CudaDevice.open(0);
        try (CudaStream stream = CudaStream.open(device);
                DeviceBuffer slot = DeviceBuffer.allocate(device, BLOCK + 512);
                PinnedStore store = store(device)) {
            for (int block = 0; block < BLOCKS; block++) {
                store.block(block).fill((byte) (block + 1));
            }
            for (int block = 0; block < BLOCKS; block++) {
                slot.zero(stream);
                store.upload(block, slot, 256, BLOCK - 256, stream);
                int other = (block + 1) % BLOCKS;
                store.download(slot, other, stream);
                stream.synchronize();
                MemorySegment back = store.block(other);
                assertThat(back.get(ValueLayout.JAVA_BYTE, 255)).isZero();
                assertThat(back.get(ValueLayout.JAVA_BYTE, 256)).isEqualTo((byte) (block + 1));
                assertThat(back.get(ValueLayout.JAVA_BYTE, BLOCK - 1)).isEqualTo((byte) (block + 1));
                back.fill((byte) (other + 1));
            }
        }
    }

    @Test
    void rangesOutsideTheSlotAreRefused() {
        CudaDevice device = CudaDevice.open(0);
        try (CudaStream stream = CudaStream.open(device);
                DeviceBuffer small = DeviceBuffer.allocate(device, BLOCK - 1);
                PinnedStore store = store(device)) {
            for (int block : new int[] {0, BLOCKS - 1}) {
                assertThatExceptionOfType(IndexOutOfBoundsException.class)
                        .isThrownBy(() -> store.upload(block, small, 0, BLOCK, stream));
                assertThatExceptionOfType(IndexOutOfBoundsException.class)
                        .isThrownBy(() -> store.download(small, block, stream));
            }
        }
    }

    @Test
    void whatTheStoreLocksIsWritableAllOver() {
        CudaDevice device = CudaDevice.open(0);
        try (Arena arena = Arena.ofConfined();
                PinnedStore store = PinnedStore.allocate(device, 3, 700L << 20)) {
            assertThat(store.pinnedBlocks()).isEqualTo(3);
            MemorySegment ones = arena.allocate(4096).fill((byte) 1);
            for (int block = 0; block < 3; block++) {
                MemorySegment end = store.block(block).asSlice((700L << 20) - 4096);
                assertThat(end.copyFrom(ones).mismatch(ones)).isEqualTo(-1);
            }
        }
    }
}
