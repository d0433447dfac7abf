package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.cuda.AttentionOperation.Kernel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which kernel computes a chunk. */
class AttentionOperationTest {
    private static final int MOST_SEEN = 4096;

    @ParameterizedTest
    @CsvSource({
        "8, 0, FEW, FEW",
        "8, 5000, FEW, FEW",
        "9, 0, UNCUT, UNCUT",
        "40, 0, UNCUT, UNCUT",
        "41, 0, TENSOR_CORES, UNCUT",
        "40, 4056, UNCUT, UNCUT",
        "40, 4057, TENSOR_CORES, UNCUT",
        "9, 4087, UNCUT, UNCUT",
        "9, 4088, TENSOR_CORES, UNCUT"
    })
    void chunksThatMayBeSharedAreNotRounded(int tokens, int position, Kernel half, Kernel whole) {
        assertThat(AttentionOperation.choose(KvPrecision.F16, position, tokens, 40))
                .isEqualTo(half);
        assertThat(AttentionOperation.choose(KvPrecision.F32, position, tokens, 40))
                .isEqualTo(whole);
    }

    @ParameterizedTest
    @CsvSource({"8, 2", "16, 2", "64, 8", "3, 2", "2, 1"})
    void theLimitIsThatOfTheModel(int experts, int chosen) {
        int limit = OffloadedExperts.mostAwaited(experts, chosen, Integer.MAX_VALUE);
        assertThat(limit).isGreaterThan(TokenVariants.MOST).isLessThan(MOST_SEEN);
        assertThat(AttentionOperation.choose(KvPrecision.F16, 0, limit, limit)).isEqualTo(Kernel.UNCUT);
        assertThat(AttentionOperation.choose(KvPrecision.F16, 0, limit + 1, limit))
                .isEqualTo(Kernel.TENSOR_CORES);
    }

    @Test
    void whereEveryExpertIsChosenNoChunkOfManyIsShared() {
        int limit = OffloadedExperts.mostAwaited(4, 4, Integer.MAX_VALUE);
        assertThat(AttentionOperation.choose(KvPrecision.F16, 0, TokenVariants.MOST + 1, limit))
                .isEqualTo(Kernel.TENSOR_CORES);
    }
}
