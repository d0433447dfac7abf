package dev.gatun.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LayerWritingTest {
    private static final Set<Thread.State> WAITING = Set.of(Thread.State.WAITING, Thread.State.TIMED_WAITING);

    @Test
    void oneIsWrittenWhileTheCallerGoesOnAndAllInTheirOrder() {
        List<Integer> written = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch begun = new CountDownLatch(1);
        try (LayerWriting writing = new LayerWriting()) {
            writing.begin(() -> {
                await(begun);
                written.add(0);
            });
            assertThat(written).isEmpty();
            begun.countDown();
            IntStream.range(1, 20).forEach(layer -> {
                writing.begin(() -> written.add(layer));
                assertThat(written).as("all before are written").hasSizeGreaterThanOrEqualTo(layer);
            });
            writing.await();
            assertThat(written)
                    .containsExactlyElementsOf(IntStream.range(0, 20).boxed().toList());
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    @Test
    void whatWritingThrewIsThrownToTheCallerAndNothingMoreIsBegun() {
        AtomicBoolean next = new AtomicBoolean();
        IllegalStateException full = new IllegalStateException("the disk is full");
        try (LayerWriting writing = new LayerWriting()) {
            writing.begin(() -> {
                throw full;
            });
            assertThatThrownBy(() -> writing.begin(() -> next.set(true))).isSameAs(full);
            assertThatThrownBy(writing::await).isSameAs(full);
        }
        assertThat(next).isFalse();
    }

    @Test
    void closingWaitsForTheLayerInFlight() throws InterruptedException {
        AtomicBoolean written = new AtomicBoolean();
        CountDownLatch waiting = new CountDownLatch(1);
        LayerWriting writing = new LayerWriting();
        writing.begin(() -> {
            await(waiting);
            written.set(true);
        });
        AtomicBoolean writtenWhenClosed = new AtomicBoolean();
        Thread closer = Thread.ofPlatform().daemon().start(() -> {
            writing.close();
            writtenWhenClosed.set(written.get());
        });
        while (!WAITING.contains(closer.getState())) {
            assertThat(closer.isAlive()).as("closing waits").isTrue();
            Thread.onSpinWait();
        }
        waiting.countDown();
        closer.join();
        assertThat(writtenWhenClosed).isTrue();
    }
}
