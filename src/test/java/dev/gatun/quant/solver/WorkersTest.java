package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void everyTaskRunsOnce(int threads) {
        try (Workers workers = Workers.open(threads)) {
            for (int count : new int[] {0, 1, 5, 1000}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(count);
                workers.run(count, runs::incrementAndGet);
                for (int i = 0; i < count; i++) {
                    assertThat(runs.get(i)).as("task %d of %d", i, count).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void whatATaskThrowsIsThrownAndEndsTheRest() {
        try (Workers workers = Workers.open(1)) {
            AtomicInteger last = new AtomicInteger();
            assertThatThrownBy(() -> workers.run(100, task -> {
                        last.set(task);
                        if (task == 3) {
                            throw new QuantizationException("three");
                        }
                    }))
                    .isInstanceOf(QuantizationException.class)
                    .hasMessage("three");
            assertThat(last).hasValue(3);
        }
    }

    @Test
    void thereIsAtLeastOneThread() {
        assertThatIllegalArgumentException().isThrownBy(() -> Workers.open(0));
    }
}
