package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KeyValueBudgetTest {
    private static final long TOKEN = 131_072;

    @Test
    void whatIsOpenAtOnceNeverExceedsTheLimit() {
        Random random = new Random(3);
        long limit = 8192 * TOKEN;
        KeyValueBudget budget = new KeyValueBudget(TOKEN, limit);
        List<KeyValueBudget.Share> shares = new ArrayList<>();
        List<Long> sizes = new ArrayList<>();
        int refused = 0;
        for (int i = 0; i < 2000; i++) {
            long open = sizes.stream().mapToLong(Long::longValue).sum();
            int tokens = 1 + random.nextInt(4096);
            if (tokens * TOKEN <= limit - open) {
                shares.add(budget.take(tokens, tokens * TOKEN));
                sizes.add(tokens * TOKEN);
            } else {
                assertThatThrownBy(() -> budget.take(tokens, tokens * TOKEN)).isInstanceOf(PlanException.class);
                refused++;
                int closed = random.nextInt(shares.size());
                shares.get(closed).close();
                shares.remove(closed).close();
                sizes.remove(closed);
            }
        }
        assertThat(refused).isPositive();
    }

    @Test
    void aRefusalSaysHowMuchIsLeftAndWhatToChange() {
        KeyValueBudget budget = new KeyValueBudget(TOKEN, 8192 * TOKEN);
        try (KeyValueBudget.Share first = budget.take(6144, 6144 * TOKEN)) {
            assertThatThrownBy(() -> budget.take(4096, 4096 * TOKEN))
                    .isInstanceOf(PlanException.class)
                    .hasMessageStartingWith("context: the keys and values of 4096 tokens need 512 MiB, and 256 MiB")
                    .hasMessageContaining("(2048 tokens in 16 bits)")
                    .hasMessageContaining("--context")
                    .hasMessageContaining("ModelOptions.contextLength");
            assertThat(first).isNotNull();
        }
        budget.take(8192, 8192 * TOKEN).close();
    }

    @Test
    void whereTheDriverDecidesNothingIsRefused() {
        KeyValueBudget budget = KeyValueBudget.unlimited();
        try (KeyValueBudget.Share large = budget.take(1 << 20, 1L << 50);
                KeyValueBudget.Share larger = budget.take(1 << 30, 1L << 60)) {
            assertThat(large).isNotSameAs(larger);
        }
    }
}
