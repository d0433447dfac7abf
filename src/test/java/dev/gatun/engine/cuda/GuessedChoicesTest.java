package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OffloadCounts;
import dev.gatun.engine.OpenModel;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Guesses come in time to be copied. */
@Tag("model")
@RequiresGpu
@Execution(ExecutionMode.SAME_THREAD)
class GuessedChoicesTest {
    /** So many that guesses are tried again, should the first ones have been wrong. */
    private static final int TOKENS = 500;

    private static OffloadCounts counts(int prefetch) {
        OffloadOptions options = OffloadOptions.defaults()
                .withMisses(MissMode.FETCH)
                .withMostSlots(15)
                .withPrefetch(prefetch);
        try (OpenModel model = QuantizedOnGpu.open(options, CudaOptions.defaults());
                KvCache cache = model.backend().newKvCache(TOKENS, KvPrecision.F16)) {
            for (int token = 0; token < TOKENS; token++) {
                model.feed(cache, 3 + token);
            }
            return model.backend().offloadCounts().orElseThrow();
        }
    }

    @Test
    void absentGuessesAreCopiedAheadAndSomeAreRight() {
        OffloadCounts counts = counts(2);
        // Every token has 4 layers whose choice is guessed, and 3 of 8 experts of each are resident.
        assertThat(counts.prefetches()).isGreaterThan(8);
        assertThat(counts.prefetchesUsed()).isPositive();
    }

    @Test
    void nothingIsCopiedAheadWhereNothingIsGuessed() {
        assertThat(counts(0).prefetches()).isZero();
    }
}
