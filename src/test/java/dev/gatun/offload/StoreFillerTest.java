package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StoreFillerTest {
    private static final int LAYERS = 5;
    private static final int EXPERTS = 7;
    private static final int[] ALL = IntStream.range(0, LAYERS * EXPERTS).toArray();
    private static final LoadListener DEAF = (bytes, total) -> {};

    private final MemorySegment memory = Arena.ofAuto().allocate(ALL.length * 4096L, 4096);

    private MemorySegment block(int block) {
        return memory.asSlice(block * 4096L, 4096);
    }

    /** Writes its number all over a block, and counts; what it does before is up to a test. */
    private static final class Numbers implements ExpertSource {
        final AtomicInteger begun = new AtomicInteger();
        final AtomicInteger ended = new AtomicInteger();
        private final IntConsumer before;

        Numbers(IntConsumer before) {
            this.before = before;
        }

        Numbers() {
            this(turn -> {});
        }

        @Override
        public ExpertBlock block() {
            TileShape shape = new TileShape(TileFormat.Q2, 16, 16, 1);
            return new ExpertBlock(shape, shape, shape.asDown());
        }

        @Override
        public void write(int layer, int expert, MemorySegment target) {
            int turn = begun.getAndIncrement();
            try {
                before.accept(turn);
                target.fill((byte) (layer * 10 + expert + 1));
            } finally {
                ended.getAndIncrement();
            }
        }
    }

    @RepeatedTest(10)
    void everyBlockHoldsItsExpert() throws InterruptedException {
        int[] numbers = {33, 0, 6, 7, 34, 12};
        new StoreFiller(new Numbers(), EXPERTS, 3).fill(numbers, this::block, DEAF);
        for (int block = 0; block < numbers.length; block++) {
            byte expected = (byte) (numbers[block] / EXPERTS * 10 + numbers[block] % EXPERTS + 1);
            assertThat(block(block).toArray(ValueLayout.JAVA_BYTE)).containsOnly(expected);
        }
        assertThat(block(numbers.length).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
    }

    @Test
    void progressIsToldFromNothingToAll() throws InterruptedException {
        List<Long> heard = new ArrayList<>();
        new StoreFiller(new Numbers(), EXPERTS).fill(ALL, this::block, (bytes, total) -> {
            assertThat(total).isEqualTo(ALL.length * 4096L);
            heard.add(bytes);
        });
        assertThat(heard)
                .containsExactlyElementsOf(IntStream.rangeClosed(0, ALL.length)
                        .mapToObj(done -> done * 4096L)
                        .toList());
    }

    @Test
    void manyWriteAtOnce() throws InterruptedException {
        CountDownLatch together = new CountDownLatch(4);
        Numbers source = new Numbers(turn -> {
            together.countDown();
            try {
                together.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        new StoreFiller(source, EXPERTS, 4).fill(ALL, this::block, DEAF);
        assertThat(source.ended.get()).isEqualTo(ALL.length);
    }

    @RepeatedTest(10)
    void theFirstFailureEndsItAll() {
        IllegalStateException first = new IllegalStateException("the file is gone");
        Numbers source = new Numbers(turn -> {
            if (turn == 3) {
                throw first;
            }
            if (turn > 3) {
                LockSupport.parkNanos(20_000_000);
                throw new AssertionError("too late");
            }
        });
        assertThatThrownBy(() -> new StoreFiller(source, EXPERTS, 2).fill(ALL, this::block, DEAF))
                .isSameAs(first);
        assertStopped(source);
    }

    @Test
    void aListenerThatThrowsEndsItAll() {
        Numbers source = slow();
        IllegalStateException enough = new IllegalStateException("enough");
        assertThatThrownBy(() -> new StoreFiller(source, EXPERTS, 2).fill(ALL, this::block, (bytes, total) -> {
                    if (bytes > 0) {
                        throw enough;
                    }
                }))
                .isSameAs(enough);
        assertStopped(source);
    }

    @Test
    void anInterruptedThreadWaitsForTheWritersOnly() {
        Numbers source = slow();
        Thread caller = Thread.currentThread();
        assertThatThrownBy(() -> new StoreFiller(source, EXPERTS, 2).fill(ALL, this::block, (bytes, total) -> {
                    if (bytes > 0) {
                        caller.interrupt();
                    }
                }))
                .isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        assertStopped(source);
    }

    private static Numbers slow() {
        return new Numbers(turn -> {
            LockSupport.parkNanos(5_000_000);
            assertThat(Thread.interrupted()).as("files must not be closed").isFalse();
        });
    }

    /** Whatever began has ended, and not all began. */
    private static void assertStopped(Numbers source) {
        assertThat(source.ended.get()).isEqualTo(source.begun.get()).isLessThan(ALL.length);
    }
}
