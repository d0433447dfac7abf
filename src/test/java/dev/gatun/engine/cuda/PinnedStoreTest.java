package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PinnedStoreTest {
    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;

    @ParameterizedTest
    @CsvSource({
        // blocks, MiB of each, MiB that can be locked, blocks locked
        "3, 400, 4000, 3", // two pieces of two and one
        "7, 4, 4000, 7",
        "7, 4, 28, 7",
        "7, 4, 27, 6", // 7 refused, 3 + 3 granted, 1 refused
        "7, 4, 12, 3",
        "7, 4, 3, 0",
        "1, 4, 0, 0",
    })
    void whatIsLockedComesFirstAndNoBlockOverlapsAnother(int blocks, long mib, long lockable, int locked) {
        ScarcePinning system = new ScarcePinning(lockable * MIB);
        try (PinnedStore store = PinnedStore.allocate(system, blocks, mib * MIB)) {
            assertThat(store.blocks()).isEqualTo(blocks);
            assertThat(store.blockBytes()).isEqualTo(mib * MIB);
            assertThat(store.pinnedBlocks()).isEqualTo(locked);
            assertThat(system.granted.stream().mapToLong(bytes -> bytes).sum()).isEqualTo(locked * mib * MIB);
            assertThat(system.granted).allSatisfy(bytes -> assertThat(bytes).isBetween(mib * MIB, 1024 * MIB));
            long[] addresses = new long[blocks];
            for (int block = 0; block < blocks; block++) {
                MemorySegment memory = store.block(block);
                assertThat(memory.byteSize()).isEqualTo(mib * MIB);
                assertThat(memory.address() % PinnedStore.ALIGNMENT).isZero();
                assertThat(memory.get(ValueLayout.JAVA_LONG, mib * MIB - 8)).isZero();
                memory.set(ValueLayout.JAVA_LONG, 0, block);
                addresses[block] = memory.address();
            }
            long[] sorted = LongStream.of(addresses).sorted().toArray();
            for (int i = 1; i < blocks; i++) {
                assertThat(sorted[i] - sorted[i - 1]).isGreaterThanOrEqualTo(mib * MIB);
            }
        }
        assertThat(system.open).isZero();
    }

    @Test
    void aBlockLargerThanAPieceIsAPieceOfItsOwn() {
        ScarcePinning system = new ScarcePinning(Long.MAX_VALUE);
        try (PinnedStore store = PinnedStore.allocate(system, 1, 1025 * MIB)) {
            assertThat(store.pinnedBlocks()).isEqualTo(1);
            assertThat(system.granted).containsExactly(1025 * MIB);
        }
    }

    @Test
    void itIsSaidHowMuchIsNotLockedAndWhatThatCosts() {
        try (PinnedStore all = PinnedStore.allocate(new ScarcePinning(400 * MIB), 4, 100 * MIB)) {
            assertThat(all.shortfall()).isEmpty();
        }
        try (PinnedStore half = PinnedStore.allocate(new ScarcePinning(207 * MIB), 4, 103 * MIB)) {
            assertThat(half.shortfall())
                    .contains("host memory: 0.2 of 0.4 GiB of experts could be pinned; the others are copied at about 7"
                            + " instead of 52 GB/s, and computing waits for them (raise `ulimit -l` or the container's"
                            + " limit)");
        }
    }

    @Test
    void copiesGoToTheBlocksPlaceInItsPiece() {
        ScarcePinning system = new ScarcePinning(20 * KIB);
        try (PinnedStore store = PinnedStore.allocate(system, 7, 4 * KIB)) {
            // Pieces of three, one and one blocks; the last two are ordinary memory.
            assertThat(system.granted).containsExactly(12 * KIB, 4 * KIB, 4 * KIB);
            store.upload(2, null, 100, 4 * KIB - 100, null);
            store.upload(3, null, 0, 4 * KIB, null);
            store.download(null, 1, null);
            store.download(null, 4, null);
            assertThat(system.copies)
                    .containsExactly(
                            "piece 0 from 8292: 3996 bytes to 100",
                            "piece 1 from 0: 4096 bytes to 0",
                            "piece 0 at 4096: 4096 bytes",
                            "piece 2 at 0: 4096 bytes");
        }
    }

    @Test
    void blocksAndRangesOutsideAreRefused() {
        ScarcePinning system = new ScarcePinning(MIB);
        try (PinnedStore store = PinnedStore.allocate(system, 2, 4 * KIB)) {
            assertOutside(() -> store.block(2));
            assertOutside(() -> store.block(-1));
            assertOutside(() -> store.upload(2, null, 0, 1, null));
            assertOutside(() -> store.upload(0, null, 1, 4 * KIB, null));
            assertOutside(() -> store.upload(0, null, -1, 1, null));
            assertOutside(() -> store.upload(0, null, 0, -1, null));
            assertOutside(() -> store.download(null, 2, null));
            assertThat(system.copies).isEmpty();
        }
        assertThatIllegalArgumentException().isThrownBy(() -> PinnedStore.allocate(system, 0, 4 * KIB));
        assertThatIllegalArgumentException().isThrownBy(() -> PinnedStore.allocate(system, 1, 4 * KIB + 1));
        assertThatIllegalArgumentException().isThrownBy(() -> PinnedStore.allocate(system, 1, 0));
    }

    private static void assertOutside(Runnable call) {
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(call::run);
    }

    @Test
    void allIsFreedWhateverFails() {
        ScarcePinning system = new ScarcePinning(20 * KIB);
        PinnedStore store = PinnedStore.allocate(system, 7, 4 * KIB);
        MemorySegment ordinary = store.block(6);
        system.closingFails = true;
        assertThatThrownBy(store::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("piece 2")
                .satisfies(failure -> assertThat(failure.getSuppressed()).hasSize(2));
        assertThat(system.open).isZero();
        assertThatIllegalStateException().isThrownBy(() -> ordinary.get(ValueLayout.JAVA_BYTE, 0));
        store.close();
    }

    @Test
    void whatWasAllocatedBeforeAFailureIsFreed() {
        ScarcePinning system = new ScarcePinning(2 * MIB);
        PieceAllocator failing = bytes -> {
            Optional<HostPiece> piece = system.pinned(Math.min(bytes, MIB));
            if (system.granted.size() == 2) {
                throw new IllegalStateException("the context is lost");
            }
            return piece;
        };
        assertThatIllegalStateException()
                .isThrownBy(() -> PinnedStore.allocate(failing, 2, 1024 * MIB))
                .withMessage("the context is lost");
        // The second piece never reached the store.
        assertThat(system.open).isEqualTo(1);
    }
}
