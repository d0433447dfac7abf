package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which instruction set is chosen, and what the library says of the machine. */
class CpuLevelTest {
    @ParameterizedTest
    @EnumSource(CpuLevel.class)
    void unforcedTheBestIsChosen(CpuLevel best) {
        assertThat(CpuLevel.choose("GATUN_CPU", null, best)).isEqualTo(best);
    }

    @Test
    void aForcedLevelIsTaken() {
        assertThat(CpuLevel.choose("GATUN_CPU", "portable", CpuLevel.AVX512)).isEqualTo(CpuLevel.PORTABLE);
        assertThat(CpuLevel.choose("GATUN_CPU", "avx2", CpuLevel.AVX512)).isEqualTo(CpuLevel.AVX2);
        assertThat(CpuLevel.choose("GATUN_CPU", "avx512", CpuLevel.AVX512)).isEqualTo(CpuLevel.AVX512);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "AVX2", "avx", "avx2 ", "best"})
    void anUnknownLevelIsAnError(String forced) {
        assertThatThrownBy(() -> CpuLevel.choose("GATUN_CPU", forced, CpuLevel.AVX512))
                .isInstanceOf(CpuException.class)
                .hasMessage("unknown instruction set in GATUN_CPU: `" + forced
                        + "`; use one of [portable, avx2, avx512, avx512vnni]");
    }

    @Test
    void aLevelThatTheMachineLacksIsAnError() {
        assertThatThrownBy(() -> CpuLevel.choose("gatun.cpu", "avx512", CpuLevel.AVX2))
                .isInstanceOf(CpuException.class)
                .hasMessage("this processor lacks the instruction set in gatun.cpu: `avx512`; its best is avx2");
    }

    @Test
    void theMachineHasAllLevelsUpToItsBest() {
        assertThat(CpuLevel.available()).startsWith(CpuLevel.PORTABLE).endsWith(CpuLevel.best());
        CpuInfo info = CpuInfo.ofThisMachine();
        assertThat(info.best()).isEqualTo(CpuLevel.best());
        assertThat(info.processors()).isPositive();
        assertThat(info.features().contains("avx2")).isEqualTo(info.best() != CpuLevel.PORTABLE);
        assertThat(info.features().contains("avx512f")).isEqualTo(info.best().compareTo(CpuLevel.AVX512) >= 0);
        assertThat(info.features().contains("avx512-vnni")).isEqualTo(info.best() == CpuLevel.AVX512VNNI);
    }

    @Test
    void aClosedDescriptorIsNoTerminal() {
        assertThat(Terminal.isTerminal(-1)).isFalse();
    }

    @Test
    void aLibraryOfAnotherVersionIsAnErrorThatSaysWhatToDo() {
        assertThatThrownBy(() -> LinkedLibrary.requireAbi(Path.of("/opt/libgatun_cpu.so"), 99))
                .isInstanceOf(CpuException.class)
                .hasMessageContaining(
                        "`/opt/libgatun_cpu.so` is of another version of Gatun: its interface is number 99")
                .hasMessageContaining("`make`");
    }
}
