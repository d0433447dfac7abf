package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ForcedChoicesTest {
    private static void check(int... chosen) {
        ForcedChoices.requireChoices(chosen, 8, 2);
    }

    @Test
    void differentExpertsThatExist() {
        assertThatCode(() -> check(0, 7, 7, 0, 3, 4)).doesNotThrowAnyException();
        assertThatIllegalArgumentException().isThrownBy(() -> check(0, 8)).withMessageContaining("no expert 8");
        assertThatIllegalArgumentException().isThrownBy(() -> check(-1, 1)).withMessageContaining("no expert -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> check(0, 1, 5, 5))
                .withMessageContaining("expert 5 is chosen twice");
    }
}
