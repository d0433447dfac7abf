package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TicketQueueTest {
    @Test
    void itIsAQueueHoweverItGrows() {
        for (long seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            TicketQueue queue = new TicketQueue(random.nextInt(4));
            Deque<Integer> model = new ArrayDeque<>();
            for (int i = 0; i < 300; i++) {
                if (random.nextInt(5) < 3) {
                    queue.add(i, ~i, 10L * i);
                    model.add(i);
                } else if (!model.isEmpty()) {
                    assertThat(queue.item()).as("seed %d", seed).isEqualTo(model.getFirst());
                    assertThat(queue.place()).isEqualTo(~model.getFirst());
                    assertThat(queue.ticket()).isEqualTo(10L * model.removeFirst());
                    queue.remove();
                }
                assertThat(queue.isEmpty()).isEqualTo(model.isEmpty());
            }
        }
        assertThatThrownBy(() -> new TicketQueue(1).remove()).isInstanceOf(IllegalStateException.class);
    }
}
