package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LifetimeTest {
    private final Lifetime lifetime = new Lifetime("the thing");

    @Test
    void thereIsOneEnd() {
        assertThat(lifetime.end()).isTrue();
        assertThat(lifetime.end()).isFalse();
        assertThat(lifetime.isOpen()).isFalse();
        assertThatIllegalStateException().isThrownBy(lifetime::enter).withMessage("the thing is closed");
        assertThatIllegalStateException().isThrownBy(lifetime::requireOpen).withMessage("the thing is closed");
    }

    @Test
    void theEndWaitsForCallsInProgressAndLetsNoOtherIn() {
        lifetime.enter();
        CompletableFuture<Boolean> end = CompletableFuture.supplyAsync(lifetime::end);
        while (lifetime.isOpen()) {
            Thread.onSpinWait();
        }
        assertThat(lifetime.tryEnter()).isFalse();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        assertThat(end).isNotDone();

        lifetime.exit();

        assertThat(end.join()).isTrue();
    }

    @Test
    void whatAGraphHoldsDoesNotEnd() {
        lifetime.hold();
        assertThatIllegalStateException()
                .isThrownBy(lifetime::end)
                .withMessage("the thing is part of an open graph: close the graph first");
        lifetime.enter();
        lifetime.exit();

        lifetime.release();

        assertThat(lifetime.end()).isTrue();
    }

    @Test
    void noCallIsInsideAfterTheEnd() {
        AtomicInteger inside = new AtomicInteger();
        CompletableFuture<?>[] callers = new CompletableFuture<?>[3];
        for (int i = 0; i < callers.length; i++) {
            callers[i] = CompletableFuture.runAsync(() -> {
                while (lifetime.tryEnter()) {
                    inside.incrementAndGet();
                    inside.decrementAndGet();
                    lifetime.exit();
                }
            });
        }

        lifetime.end();

        assertThat(inside).hasValue(0);
        CompletableFuture.allOf(callers).join();
        assertThat(inside).hasValue(0);
    }
}
