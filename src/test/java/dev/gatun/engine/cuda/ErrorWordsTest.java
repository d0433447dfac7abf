package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.engine.BackendFailureException;
import dev.gatun.engine.RouterFailureException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class ErrorWordsTest {
    private static void check(int... words) {
        ErrorWords.check(MemorySegment.ofArray(words));
    }

    @Test
    void wordsThatAreZeroAreNoFailure() {
        assertThatCode(() -> check(0, 0, 0)).doesNotThrowAnyException();
    }

    @Test
    void eachBitSaysWhatFailedAndWhere() {
        assertThatThrownBy(() -> check(0, 1, 0)).isInstanceOf(RouterFailureException.class);
        assertThatThrownBy(() -> check(2, 0, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("layer 0");
        assertThatThrownBy(() -> check(0, 0, 4))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("embedding or head");
        assertThatThrownBy(() -> check(0, 8, 0))
                .isInstanceOf(BackendFailureException.class)
                .hasMessageContaining("layer 1 within two seconds");
        assertThatThrownBy(() -> check(0, 16, 0))
                .isInstanceOf(BackendFailureException.class)
                .hasMessageContaining("the CPU did not hand over its part of layer 1 within 10 seconds");
    }

    @Test
    void theFirstWordThatIsNotZeroCounts() {
        assertThatThrownBy(() -> check(16, 8, 1)).hasMessageContaining("layer 0");
    }
}
