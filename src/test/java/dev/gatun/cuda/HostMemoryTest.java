package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostMemoryTest {
    @TempDir
    Path folder;

    @Test
    void mappedMemoryIsZeroAndWritableToItsLastByte() {
        long bytes = (130L << 20) + 5;
        MemorySegment memory = AnonymousMemory.map(bytes);
        try {
            assertThat(memory.mismatch(memory.asSlice(1))).isEqualTo(bytes - 1);
            assertThat(memory.get(ValueLayout.JAVA_BYTE, 0)).isZero();
            memory.set(ValueLayout.JAVA_BYTE, bytes - 1, (byte) 7);
            assertThat(memory.get(ValueLayout.JAVA_BYTE, bytes - 1)).isEqualTo((byte) 7);
        } finally {
            AnonymousMemory.unmap(memory);
        }
    }

    @Test
    void moreThanTheAddressSpaceIsAnError() {
        assertThatExceptionOfType(OutOfMemoryError.class)
                .isThrownBy(() -> AnonymousMemory.map(1L << 60))
                .withMessageContaining("has no room for " + (1L << 60));
    }

    @Test
    void theLimitOfLockedMemoryIsReadAsTheKernelWritesIt() throws Exception {
        Path limits = Files.writeString(folder.resolve("limits"), """
                Limit                     Soft Limit           Hard Limit           Units
                Max locked memory         8388608              unlimited            bytes
                Max address space         unlimited            unlimited            bytes
                """);

        assertThat(LockedMemoryLimit.limit(limits)).isEqualTo("8388608");
        assertThat(LockedMemoryLimit.limit(folder.resolve("absent"))).isEqualTo("unknown");
        assertThat(LockedMemoryLimit.advice()).contains("`ulimit -l` is ").contains("an eighth of the speed");
    }
}
